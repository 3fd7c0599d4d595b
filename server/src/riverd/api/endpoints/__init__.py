"""What the publish API answers, one file a subject."""
