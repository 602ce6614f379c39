"""Exports of shares by the network: the interface, a fake, and nfs-ganesha."""
