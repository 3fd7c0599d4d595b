"""River's own protocol."""
