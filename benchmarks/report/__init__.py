"""A result read and drawn: tables, a page, the figures of the documentation."""
