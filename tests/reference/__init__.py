"""The generated pages of docs: ``make docs`` writes them, a test compares them."""
