"""The language of the product's code: figures, their limits, and class names with two meanings."""
