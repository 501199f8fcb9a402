"""A run: opened once, read server by server, judged piece by piece, by one process or by many.

``engine`` is the recipe. Messages only say where to look; everything that counts is in the store, so a message that is
lost, late, doubled or out of order does no harm (rules R8 and R9).
"""
