"""One repository per table group: every SQL statement of the product."""
