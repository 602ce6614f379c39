"""What callers can ask of the share service: checks and wishes; never touches the world."""
