"""From events in the store to alerts on their way: who is told, when again, and the sending.

What is told of a problem was written with the fact; everything here can be done again (rule R11).
"""
