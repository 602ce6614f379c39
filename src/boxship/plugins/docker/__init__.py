"""What every plugin of a Docker engine needs, whichever protocol it speaks.

    places.py   where Docker finds a plugin: socket and spec file, made and removed, never one that is not ours
    calls.py    a call: the type of its body, what answers it, and how long that may take
    server.py   the socket or TLS port on which Docker calls; bodies in, answers or {"Err": ...} out, in time

It knows no cloud and no kind of plugin (https://docs.docker.com/engine/extend/plugin_api/).
"""
