"""The network of the kernel: interface, real, fake; a file per kernel object."""
