"""Towpath: a small discussion forum, the demo of River."""
