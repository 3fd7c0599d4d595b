"""The `river` command."""
