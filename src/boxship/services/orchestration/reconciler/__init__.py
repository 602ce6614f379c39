"""Makes stacks real: takes the planned steps of their resources and records what came of them. Never decides."""
