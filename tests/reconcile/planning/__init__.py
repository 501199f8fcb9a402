"""Tests of reconcile.planning."""
