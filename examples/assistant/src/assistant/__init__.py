"""An assistant whose answers are streamed through River."""
