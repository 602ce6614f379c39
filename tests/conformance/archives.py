"""Archives of images as attackers would write them, made from an honest one."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import Any

from boxship.drivers.engine import busybox


def members(archive: bytes) -> dict[str, bytes]:
    """The files of an archive by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        found = {}
        for member in opened.getmembers():
            file = opened.extractfile(member)
            found[member.name] = file.read() if file else b""
    return found


@dataclass(slots=True)
class Archive:
    """An archive under construction: the honest image, until a test says otherwise."""

    reference: str = "busybox:latest"
    files: dict[str, bytes] = field(default_factory=lambda: members(busybox.image()))
    entries: list[tarfile.TarInfo] = field(default_factory=list)
    images: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.files.pop("manifest.json")
        self.images = [{"Config": "config.json", "RepoTags": [self.reference], "Layers": ["layer.tar"]}]

    def config(self, **wish: Any) -> None:
        """Change the part of the configuration that containers inherit."""
        config = json.loads(self.files["config.json"])
        config["config"] |= wish
        self.files["config.json"] = json.dumps(config).encode()

    def layer(self, *entries: tarfile.TarInfo) -> None:
        """Another layer on top, of empty entries such as links and devices."""
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w") as layer:
            for entry in entries:
                layer.addfile(entry)
        self.files["more.tar"] = written.getvalue()
        self.images[0]["Layers"].append("more.tar")
        config = json.loads(self.files["config.json"])
        config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(written.getvalue()).hexdigest()}")
        self.files["config.json"] = json.dumps(config).encode()

    def written(self, *, manifest: bytes | None = None) -> bytes:
        """The bytes of it; ``manifest`` instead of the one for its images."""
        content = json.dumps(self.images).encode() if manifest is None else manifest
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w") as whole:
            for name, data in {**self.files, "manifest.json": content}.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                whole.addfile(info, io.BytesIO(data))
            for entry in self.entries:
                whole.addfile(entry)
        return written.getvalue()


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A link, device or fifo."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, target, 0o777
    return made


def two_images() -> bytes:
    archive = Archive()
    archive.images.append(dict(archive.images[0], RepoTags=["other:latest"]))
    return archive.written()


def no_image() -> bytes:
    return Archive().written(manifest=b"[]")


def no_manifest() -> bytes:
    archive = Archive()
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as whole:
        for name, data in archive.files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            whole.addfile(info, io.BytesIO(data))
    return written.getvalue()


def truncated() -> bytes:
    return Archive().written()[: 1 << 19]


def huge_manifest() -> bytes:
    return Archive().written(manifest=b"[" + b" " * (2 << 20) + b"]")


def deep_manifest() -> bytes:
    return Archive().written(manifest=b"[" * 100_000)


def numbers_for_names() -> bytes:
    archive = Archive()
    archive.images[0]["Layers"] = [1]
    return archive.written()


def thousand_layers() -> bytes:
    archive = Archive()
    archive.images[0]["Layers"] = ["layer.tar"] * 1000
    return archive.written()


def layer_that_is_not_there() -> bytes:
    archive = Archive()
    archive.images[0]["Layers"] = ["../../../../etc/shadow"]
    return archive.written()


def layer_that_leads_out(kind: bytes) -> bytes:
    """The layer is a link to a file of the host."""
    archive = Archive()
    archive.entries.append(entry("linked.tar", kind, "/etc/shadow"))
    archive.images[0]["Layers"] = ["linked.tar"]
    return archive.written()


def config_that_leads_out() -> bytes:
    archive = Archive()
    archive.entries.append(entry("linked.json", tarfile.SYMTYPE, "../../../../../etc/hostname"))
    archive.images[0]["Config"] = "linked.json"
    return archive.written()


def endless_link() -> bytes:
    archive = Archive()
    archive.entries += [entry("a", tarfile.SYMTYPE, "b"), entry("b", tarfile.SYMTYPE, "a")]
    archive.images[0]["Layers"] = ["a"]
    return archive.written()


def linked_manifest() -> bytes:
    archive = Archive()
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as whole:
        whole.addfile(entry("manifest.json", tarfile.SYMTYPE, "/etc/hostname"))
        for name, data in archive.files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            whole.addfile(info, io.BytesIO(data))
    return written.getvalue()


def device_layer() -> bytes:
    archive = Archive()
    archive.entries.append(entry("dev.tar", tarfile.CHRTYPE))
    archive.images[0]["Layers"] = ["dev.tar"]
    return archive.written()


def sparse_layer() -> bytes:
    """An old GNU sparse file: a terabyte of zeros in a header (the file format of tar, GNU manual)."""
    archive = Archive()
    archive.images[0]["Layers"] = ["sparse.tar"]
    whole = bytearray(archive.written()[:-1024].rstrip(b"\0"))
    whole += bytes(-len(whole) % 512)
    head = bytearray(tarfile.TarInfo("sparse.tar").tobuf(tarfile.GNU_FORMAT))
    head[156:157] = tarfile.GNUTYPE_SPARSE
    head[386:398] = b"00000000000\0"
    head[398:410] = b"00000000000\0"
    head[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(whole + head + bytes(1024))


def long_header() -> bytes:
    """A name of two megabytes, which a reader would keep in memory."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as whole:
        whole.addfile(tarfile.TarInfo("x" * (2 << 20)))
    return written.getvalue()[:-10240] + Archive().written()


def many_members() -> bytes:
    archive = Archive()
    archive.entries += [tarfile.TarInfo(f"{at}") for at in range(20_000)]
    return archive.written()


def many_links() -> bytes:
    """Half a thousand layers that are all the same megabytes."""
    archive = Archive()
    archive.entries += [entry(f"l{at}", tarfile.LNKTYPE, "layer.tar") for at in range(200)]
    archive.images[0]["Layers"] = [f"l{at}" for at in range(200)]
    return archive.written()


HOSTILE = {
    "a long header": long_header(),
    "many members": many_members(),
    "many links": many_links(),
    "compressed": gzip.compress(Archive().written()),
    "two images": two_images(),
    "no image": no_image(),
    "no manifest": no_manifest(),
    "cut off": truncated(),
    "huge manifest": huge_manifest(),
    "deep manifest": deep_manifest(),
    "manifest that is a link": linked_manifest(),
    "numbers for names": numbers_for_names(),
    "a thousand layers": thousand_layers(),
    "a layer outside": layer_that_is_not_there(),
    "a layer that is a symbolic link": layer_that_leads_out(tarfile.SYMTYPE),
    "a layer that is a hard link": layer_that_leads_out(tarfile.LNKTYPE),
    "a configuration that is a link": config_that_leads_out(),
    "links in a circle": endless_link(),
    "a layer that is a device": device_layer(),
    "a sparse layer": sparse_layer(),
    "gzip of nothing": b"\x1f\x8b\x08\x00" + bytes(6),
    "manifest that is a word": Archive().written(manifest=b'"image"'),
    "manifest that is not text": Archive().written(manifest=b"\xff\xfe"),
}
