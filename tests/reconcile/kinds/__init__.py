"""Tests of reconcile.findings."""
