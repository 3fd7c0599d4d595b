"""The pure core: replicas of logs, cursors, fan-out. No clock, no I/O."""
