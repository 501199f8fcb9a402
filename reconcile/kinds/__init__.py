"""The table of kinds: one row says everything that all problems of a kind share."""
