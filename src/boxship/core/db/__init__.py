"""The database: one transaction per request or step, on SQLite or PostgreSQL."""
