"""River in AWS: the functions, and what a task knows of itself."""
