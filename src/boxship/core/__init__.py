"""What every service stands on: HTTP, authentication and rules, the database, the reconcile loop. Knows no service."""
