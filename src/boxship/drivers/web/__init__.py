"""What is fetched from outside for users: addresses that they name, and that must not lead back into this host's networks."""
