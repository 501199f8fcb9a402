"""Commands that texts of the product and its pages tell people to use, found in those texts."""
