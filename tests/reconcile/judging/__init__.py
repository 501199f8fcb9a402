"""Tests of reconcile.judging."""
