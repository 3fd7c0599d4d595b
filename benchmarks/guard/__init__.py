"""Hot paths counted in instructions, so that a change that makes one slower is seen."""
