"""Sends webhook events: in order a channel, signed anew each time, again until they are taken."""
