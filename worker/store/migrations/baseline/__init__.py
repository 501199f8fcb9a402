"""The tables of revision 0100, frozen: a change of the schema is a revision of its own."""
