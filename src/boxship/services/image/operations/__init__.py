"""What callers can ask, a module per resource: one function, one transaction, one changed wish."""
