"""`river verify`: River's promises, tried on a deployment of one's own."""
