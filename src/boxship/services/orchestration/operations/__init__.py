"""What callers can ask of the orchestration service: checks and wishes; never makes a resource."""
