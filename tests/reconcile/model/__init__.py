"""Tests of reconcile.model."""
