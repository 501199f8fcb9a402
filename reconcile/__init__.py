"""The core: what the servers said and what the store holds go in, a plan and findings come out.

Pure by contract: standard library only, no I/O, no clock, no logging.
"""
