"""Builds a managed Docker plugin, ``kuryr`` or ``fuxi``: a directory with ``config.json`` and ``rootfs``, and the plugin in the
engine that is named.

Everything comes from the Python environment that runs this: its interpreter, the distributions that Boxship requires, in the
versions that are there, and a wheel of this checkout. Nothing is fetched and no container is run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
PLACES = ("etc/openstack", "run/docker/plugins", "fuxi", "tmp", "proc", "sys", "dev")
"""Directories that Docker mounts something on, and the plugin's socket."""
NEVER_USED = shutil.ignore_patterns(
    *("__pycache__", "site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"),
    *("config-*", "*.a", "_tkinter*"),
)
PROGRAMS = {"kuryr": ("ip",), "fuxi": ("mkfs.ext4", "resize2fs", "mount")}
"""What a plugin runs: wiring where the cloud leaves that to it; file systems."""
WHERE_THERE = {"kuryr": (), "fuxi": ("mkfs.xfs", "xfs_growfs", "mount.nfs")}
"""What it runs where the host that builds it has it, and refuses to do where not."""


def build(kind: str, target: Path) -> None:
    """Write ``config.json`` and ``rootfs`` into the directory, which is made; what is there is replaced."""
    root = target / "rootfs"
    shutil.rmtree(root, ignore_errors=True)
    for place in PLACES:
        (root / place).mkdir(parents=True)
    library = root / "usr/lib" / f"python{sysconfig.get_python_version()}"
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=NEVER_USED)
    _interpreter(root)
    packages = library / "site-packages"
    for distribution in required("boxship"):
        _copy(distribution, packages)
    _wheel(packages)
    _programs(kind, root / "usr/sbin")
    _libraries(root)
    shutil.copy(HERE / kind / "config.json", target)


def _programs(kind: str, target: Path) -> None:
    """SystemExit: this host lacks one that the plugin needs."""
    target.mkdir()
    for program in (*PROGRAMS[kind], *WHERE_THERE[kind]):
        found = shutil.which(program)
        if found is not None:
            shutil.copy(found, target)
        elif program in PROGRAMS[kind]:
            raise SystemExit(f"The program {program} is not on this host.")


def _interpreter(root: Path) -> None:
    (root / "usr/bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), root / "usr/bin/python3")


def required(name: str) -> list[importlib.metadata.Distribution]:
    """The distributions that this one needs to run, each once, without itself. SystemExit: one is not installed."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [name]
    while waiting:
        wanted = waiting.pop()
        if wanted in found:
            continue
        try:
            found[wanted] = importlib.metadata.distribution(wanted)
        except importlib.metadata.PackageNotFoundError:
            raise SystemExit(f"{wanted} is not in this Python environment; run scripts/bootstrap --python.") from None
        waiting += _needs(found[wanted])
    del found[name]
    return list(found.values())


def _needs(distribution: importlib.metadata.Distribution) -> Iterable[str]:
    """Names of what it requires here, in the spelling that all compare by (PEP 503)."""
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield re.sub(r"[-_.]+", "-", requirement.name).lower()


def _copy(distribution: importlib.metadata.Distribution, packages: Path) -> None:
    """Its files, but for programs and what Python makes anew."""
    for file in distribution.files or ():
        if ".." in file.parts or "__pycache__" in file.parts or file.is_absolute():
            continue
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(file.locate()), target)


def _wheel(packages: Path) -> None:
    """Boxship itself, from a wheel that is made of a copy of the checkout: building leaves files beside the source."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, "source")
        copy.mkdir()
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(CHECKOUT / name, copy)
        shutil.copytree(CHECKOUT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
        _run(*pip, "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", directory, str(copy))
        (wheel,) = Path(directory).glob("boxship-*.whl")
        shutil.unpack_archive(wheel, packages, "zip")


def _libraries(root: Path) -> None:
    """The shared libraries that anything in there is linked with, at the paths where the loader looks for them."""
    there = [path for path in root.rglob("*") if path.is_file() and _is_linked(path)]
    wanted: set[Path] = set()
    for path in there:
        origin = Path(sys.executable).resolve() if path == root / "usr/bin/python3" else path
        said = subprocess.run(["ldd", str(origin)], capture_output=True, text=True, check=False).stdout
        wanted |= {Path(found) for found in re.findall(r"(/\S+) \(0x", said)}
    for library in sorted(wanted):
        if not library.is_relative_to(root):
            target = _place(root, library)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)


def _place(root: Path, library: Path) -> Path:
    """The loader has its own path; other libraries go where it looks without being told (ld.so(8))."""
    return root / str(library).lstrip("/") if library.name.startswith("ld-") else root / "usr/lib" / library.name


def _is_linked(path: Path) -> bool:
    """Whether it is a program or library in ELF."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _run(*command: str) -> None:
    """SystemExit: it failed, with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")


def main() -> None:
    """Build, and give it to the engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(PROGRAMS), help="which plugin")
    parser.add_argument("directory", type=Path, help="where config.json and rootfs are written")
    parser.add_argument("--host", default="", help="the engine's socket, as for docker [default: what docker finds]")
    parser.add_argument("--name", default="", help="the plugin in Docker [default: boxship/KIND]")
    parser.add_argument("--no-create", action="store_true", help="only write the directory")
    given = parser.parse_args()
    build(given.kind, given.directory)
    if not given.no_create:
        host = ("--host", given.host) if given.host else ()
        _run("docker", *host, "plugin", "create", given.name or f"boxship/{given.kind}", str(given.directory))


if __name__ == "__main__":
    main()
