"""Frozen values that the rooms above share."""
