"""Tests of reconcile.evidence."""
