"""Server-Sent Events: the same messages as River's own, without a socket to answer on."""
