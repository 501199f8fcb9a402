"""The plan of a whole run: operations, their order, the guard, and what applying needs."""
