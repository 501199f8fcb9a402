"""Alerts: what is told to people and programs outside, in which words, and over which channels.

Who decides that something is to be told, and who remembers what was, are elsewhere (rule R11).
"""
