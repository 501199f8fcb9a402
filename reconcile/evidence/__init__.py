"""Evidence: what was seen, by which witness, and what it proves about a server or a pair."""
