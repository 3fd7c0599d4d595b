"""What the rotation function runs: this folder is its package."""
