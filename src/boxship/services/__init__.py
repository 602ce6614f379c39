"""One package per OpenStack service, the same file names in each (see ARCHITECTURE.md, "The files of a service")."""
