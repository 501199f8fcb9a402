"""The tests mirror the packages; this one also holds what they share."""
