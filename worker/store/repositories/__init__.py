"""Queries and writes by noun, on one connection."""
