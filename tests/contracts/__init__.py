"""Promises that a fake and the real part behind one port both keep."""
