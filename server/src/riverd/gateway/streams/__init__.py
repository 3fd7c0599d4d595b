"""HTTP streaming: what WebSockets do, where they do not come through."""
