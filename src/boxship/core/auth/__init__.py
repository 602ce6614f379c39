"""Who asks, in which project, and whether a rule lets them."""
