"""The doors through which Docker calls us: plugins, each a process on a host. They are clients of the public HTTP API and
know nothing of the services behind it, so that they work with any OpenStack."""
