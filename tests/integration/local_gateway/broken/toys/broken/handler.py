"""Fails while it is loaded."""

raise RuntimeError("no such table")
