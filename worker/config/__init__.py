"""Settings and files that people write: parsed, checked, and explained where they are wrong."""
