"""A run that many processes work on: opened once, read server by server, judged piece by piece.

Messages only say where to look; everything that counts is in the store, so a message that is
lost, late, doubled or out of order does no harm (rules R8 and R9).
"""
