"""Who may do what: tokens, API keys."""
