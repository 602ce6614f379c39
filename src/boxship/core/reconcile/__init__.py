"""The loop that makes the world match the wishes in the database."""
