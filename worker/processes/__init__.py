"""The processes that work at runs: workers and the beat, which run until they are told to end, and
a command, which works at one run by itself.
"""
