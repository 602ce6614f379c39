"""The wire of the Block Storage API: what is read and what is answered, a module per resource. Pure."""
