"""The steps that a person takes about a problem (rule R15).

A remedy names the server, relationship, property and value.  It does only what the problem needs,
and every command in it runs as printed.
"""
