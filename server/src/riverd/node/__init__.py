"""One process that holds sessions: keeps replicas true and does what sessions ask."""
