"""What the network service does while it runs, beside answering its API and reconciling: it tells devices who they are."""
