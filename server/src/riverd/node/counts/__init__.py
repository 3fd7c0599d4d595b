"""Counts that a node reports, and sums over all nodes that clients are shown."""
