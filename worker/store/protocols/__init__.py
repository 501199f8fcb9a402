"""What use cases need of the store, as protocols by noun."""
