"""Puts a container's bundle into its sandbox and hands over to runc. Runs alone (python3 -IS), once per start.

Called as the OCI runtime's ``create``: ``enter.py RUNC SANDBOXES ... create --bundle DIR ... ID``. SANDBOXES is a directory
that only root can write, with a file per container that holds the path of its network namespace, and on a second line that
of its pod's IPC namespace, if it has a pod. Where one of them is not there, the container does not start: nothing ever runs
outside of its network or its pod.
"""

import json
import os
import sys


def main() -> None:
    """Edit config.json of the bundle: the namespaces in, the engine's slow network hook out; then become runc."""
    runc, sandboxes, *arguments = sys.argv[1:]
    bundle = arguments[arguments.index("--bundle") + 1]
    try:
        with open(os.path.join(sandboxes, os.path.basename(arguments[-1]))) as file:
            lines = [*file.read().split("\n"), ""]
        paths = {"network": lines[0]} | ({"ipc": lines[1]} if lines[1] else {})
        if not all(map(os.path.ismount, paths.values())):
            raise OSError("its namespace is not there")
    except OSError as error:
        fail(arguments, f"the sandbox of the container is not ready: {error}")
    path = os.path.join(bundle, "config.json")
    with open(path) as file:
        config = json.load(file)
    for namespace in config["linux"]["namespaces"]:
        if namespace["type"] in paths:
            namespace["path"] = paths.pop(namespace["type"])
    if paths:
        fail(arguments, "the container has no namespace of its own that could be its sandbox's or pod's")
    hooks = config.get("hooks") or {}
    for stage, entries in hooks.items():
        hooks[stage] = [hook for hook in entries if "libnetwork-setkey" not in hook.get("args", [])]
    with open(path, "w") as file:
        json.dump(config, file)
    os.execvp(runc, [runc, *arguments])


def fail(arguments: list[str], reason: str) -> None:
    """Say why, where containerd looks for it, and start nothing."""
    if "--log" in arguments:
        with open(arguments[arguments.index("--log") + 1], "a") as log:
            log.write(json.dumps({"level": "error", "msg": reason}) + "\n")
    print(reason, file=sys.stderr)  # noqa: T201 (the second place where it looks)
    sys.exit(1)


main()
