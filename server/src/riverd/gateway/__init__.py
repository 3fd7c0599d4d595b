"""How clients come in: HTTP heads, WebSockets, limits."""
