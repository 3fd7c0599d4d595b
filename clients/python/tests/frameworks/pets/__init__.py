"""A Django app that publishes what is posted."""
