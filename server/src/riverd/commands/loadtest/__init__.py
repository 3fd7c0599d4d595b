"""Load on a deployment of one's own, and what came of it."""
