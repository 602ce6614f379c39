"""The wire of the network service: a module per resource with what is asked and what is answered, as Neutron has it."""
