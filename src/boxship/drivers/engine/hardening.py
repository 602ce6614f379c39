"""What a container may do to the host: as little as images need. Pure, but for one look at the host's own limits.

Container and host are hostile to each other: no new privileges, Docker's default seccomp filter, the few capabilities
that upstream images use, a bound on processes and on the size of the log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "SETFCAP"),
    *("NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "AUDIT_WRITE"),
)
"""Docker's default set (moby, oci/caps/defaults.go) without MKNOD."""

_ALL = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ"),
)
"""By number (capabilities(7), linux/capability.h). The later ones (PERFMON, BPF, CHECKPOINT_RESTORE) are unknown to engines
of 20.10, and the kernel takes SYS_ADMIN for each of them."""

_PIDS = 4096
_LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


def host_config(*, privileged: bool) -> dict[str, Any]:
    """The part of HostConfig that says what the container may do.

    ``privileged`` gives every capability that the host itself has, one by one (`--privileged` asks for all and fails where
    the host lacks one), and no seccomp filter. Devices and the host's namespaces stay closed.
    """
    config: dict[str, Any] = {"CapDrop": ["ALL"], "PidsLimit": _PIDS, "LogConfig": _LOG, "Privileged": False}
    if privileged:
        return config | {"CapAdd": bounding_set(), "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"]}
    return config | {"CapAdd": list(CAPABILITIES), "SecurityOpt": ["no-new-privileges"]}


def bounding_set() -> list[str]:
    """The capabilities that this host can give at all (proc(5), CapBnd)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd"))
    bits = int(line.split()[1], 16)
    return [name for number, name in enumerate(_ALL) if bits >> number & 1]
