"""How things look outside: JSON documents for programs, tables for people.

Used by the doors (``worker.cli``, ``worker.demo``); decides nothing and reads nothing.
"""
