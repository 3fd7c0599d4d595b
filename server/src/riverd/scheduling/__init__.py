"""When work runs: who owns it, when it is tried again, when others have their turn."""
