"""``volumes``, ``secrets`` and ``configs`` of a service: what is mounted in its containers, and which files they are given."""

from __future__ import annotations

from collections.abc import Mapping

from boxship.cli.compose.context import Context
from boxship.cli.compose.fields import Field
from boxship.cli.compose.model import File, Mount, Volume

_LARGEST_FILE = 1 << 16
_FILE_OPTIONS = "files are owned by root, and everybody in the container can read them."


def volumes(
    given: Field | None, known: Mapping[str, Volume], context: Context
) -> tuple[tuple[Mount, ...], tuple[File, ...]]:
    """Volumes that are mounted, and single files of this host, which are copied. Wrong."""
    mounts: list[Mount] = []
    files: list[File] = []
    for each in given.items() if given else ():
        kind, source, target, read_only = _short(each) if each.is_text() else _long(each, context)
        if not target.startswith("/"):
            raise each.wrong(f"{target!r} is no absolute path in the container.")
        if kind == "volume":
            if source and source not in known:
                raise each.wrong(f"the file describes no volume {source}.")
            mounts.append(Mount(target, source, read_only))
        elif kind == "bind":
            files += _copied(each, source, target, context)
        else:
            context.notes.add(each.path, f"the cloud has no {kind} to mount; there is no {target} from it.")
    paths = [mount.path for mount in mounts]
    for path in paths:
        if paths.count(path) > 1 and given is not None:
            raise given.wrong(f"{path} is there twice.")
    return tuple(mounts), tuple(files)


def _short(given: Field) -> tuple[str, str, str, bool]:
    """``[source:]target[:options]`` as kind, source, target, and whether it can only be read."""
    source, target, options, *more = [*given.text().split(":"), "", ""]
    if not target and not options:
        return "volume", "", source, False
    if any(more) or not source or not target:
        raise given.wrong(f"{given.value!r} is not [source:]target[:options].")
    kind = "bind" if source.startswith(("/", ".", "~")) else "volume"
    return kind, source, target, "ro" in options.split(",")


def _long(given: Field, context: Context) -> tuple[str, str, str, bool]:
    no_options = "there are none of these options."
    entry = given.map().checked(
        {"type", "source", "target", "read_only", "bind", "volume"},
        dict.fromkeys(("tmpfs", "image", "consistency"), no_options),
        context.notes,
    )
    kind, source, target, read_only = (entry.get(name) for name in ("type", "source", "target", "read_only"))
    if kind is None or target is None:
        raise given.wrong(f"it has no {'type' if kind is None else 'target'}.")
    found = kind.word("volume", "bind", "tmpfs", "npipe", "cluster", "image")
    if found == "bind" and source is None:
        raise given.wrong("it has no source.")
    options = entry.get(found)
    for _, option in options.map() if found in {"volume", "bind"} and options else ():
        if not option.path.endswith("create_host_path"):
            context.notes.add(option.path, no_options)
    return found, source.text() if source else "", target.text(), read_only is not None and read_only.flag()


def _copied(given: Field, source: str, target: str, context: Context) -> list[File]:
    """A file of this host, as it is now."""
    path = context.directory / source
    if source.startswith("~"):
        path = path.home() / source.removeprefix("~").removeprefix("/")
    if path.is_dir() or not path.exists():
        kind = "a directory" if path.is_dir() else "nothing"
        reason = (
            f"{source} is {kind} of this host, which containers of the cloud do not see; use a volume, and boxship cp."
        )
        context.notes.add(given.path, reason)
        return []
    context.notes.add(given.path, f"the containers get a copy of {source} as it is now, which they cannot change.")
    return [File(target, _small(context.content(Field(str(path), given.path)), given))]


def contents(given: Field | None, section: str, context: Context) -> list[File]:
    """The secrets or configs of a service as files. Wrong."""
    found = []
    for each in given.items() if given else ():
        entry = None
        if not each.is_text():
            options = dict.fromkeys(("uid", "gid", "mode"), _FILE_OPTIONS)
            entry = each.map().checked({"source", "target"}, options, context.notes)
        source, target = (entry.get("source"), entry.get("target")) if entry else (each, None)
        if source is None:
            raise each.wrong("it has no source.")
        key = source.text()
        if (section, key) not in context.contents:
            raise each.wrong(f"the file describes no {section.removesuffix('s')} {key}.")
        path = target.text() if target else key
        if not path.startswith("/"):
            path = f"/run/secrets/{path}" if section == "secrets" else f"/{path}"
        content = _small(context.contents[section, key], each)
        found.append(File(path, content, key if section == "secrets" else ""))
    return found


def _small(content: bytes, given: Field) -> bytes:
    if len(content) > _LARGEST_FILE:
        raise given.wrong(f"it holds {len(content)} bytes, and a file that is put into a container may have 64 KiB.")
    return content
