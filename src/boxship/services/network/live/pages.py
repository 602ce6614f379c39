"""What a device reads of itself at 169.254.169.254, as pages of a tree: OpenStack's and EC2's spelling of the same facts.

Pure: who asks is for others to find out. See "Metadata service" in Nova's user guide; the EC2 part is what cloud-init reads.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

OPENSTACK_VERSIONS = ("2012-08-10", "latest")
EC2_VERSIONS = ("2009-04-04", "latest")
"""The dates that clients ask for; what is told is the same for all of them."""

JSON, TEXT = "application/json", "text/plain; charset=utf-8"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a device, found by the address that it asks from."""

    id: str
    name: str
    hostname: str
    project_id: str
    zone: str
    mac: str
    local_ipv4: str
    public_ipv4: str = ""
    groups: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    """What its user says of it, by key."""
    keys: Mapping[str, str] = {}
    """SSH keys, by name."""
    user_data: bytes | None = None


Page = tuple[bytes, str]
"""A page and its media type."""


def page(device: Device, path: str) -> Page | None:
    """The page at a path; of a directory the names in it. None: there is none."""
    words = tuple(word for word in path.split("?", 1)[0].split("/") if word)
    tree = _tree(device)
    if words in tree:
        return tree[words]
    below = {found[len(words)] for found in tree if found[: len(words)] == words}
    shown = sorted(_entry(tree, words, name) for name in below if (*words, f"{name}={_key(device, name)}") not in tree)
    return ("\n".join(shown).encode(), TEXT) if shown else None


def _key(device: Device, number: str) -> str:
    """The name of a key by its number: EC2 lists it as ``0=name`` and has it below ``0``."""
    names = list(device.keys)
    return names[int(number)] if number.isdecimal() and int(number) < len(names) else ""


def _entry(tree: Mapping[tuple[str, ...], Page], words: tuple[str, ...], name: str) -> str:
    """A name in the directory ``words``; EC2's directories end in a slash, below the versions."""
    is_directory = (*words, name) not in tree and bool(words) and words[0] != "openstack"
    return f"{name}/" if is_directory else name


def _tree(device: Device) -> dict[tuple[str, ...], Page]:
    pages: dict[tuple[str, ...], Page] = {}
    for version in OPENSTACK_VERSIONS:
        pages["openstack", version, "meta_data.json"] = (msgspec.json.encode(_document(device)), JSON)
        if device.user_data is not None:
            pages["openstack", version, "user_data"] = (device.user_data, "application/octet-stream")
    for version in EC2_VERSIONS:
        for words, text in _facts(device).items():
            pages[version, "meta-data", *words] = (text.encode(), TEXT)
        if device.user_data is not None:
            pages[version, "user-data"] = (device.user_data, "application/octet-stream")
    return pages


def _document(device: Device) -> dict[str, object]:
    """``meta_data.json``."""
    return {
        "uuid": device.id,
        "name": device.name,
        "hostname": device.hostname,
        "project_id": device.project_id,
        "availability_zone": device.zone,
        "launch_index": 0,
        "meta": dict(device.meta),
        "public_keys": dict(device.keys),
        "keys": [{"name": name, "type": "ssh", "data": data} for name, data in device.keys.items()],
        "devices": [],
    }


def _facts(device: Device) -> dict[tuple[str, ...], str]:
    """``meta-data``."""
    facts: dict[tuple[str, ...], str] = {
        ("instance-id",): device.id,
        ("hostname",): device.hostname,
        ("local-hostname",): device.hostname,
        ("public-hostname",): device.hostname,
        ("local-ipv4",): device.local_ipv4,
        ("public-ipv4",): device.public_ipv4,
        ("mac",): device.mac,
        ("ami-launch-index",): "0",
        ("security-groups",): "\n".join(device.groups),
        ("placement", "availability-zone"): device.zone,
    }
    for number, (name, data) in enumerate(device.keys.items()):
        facts["public-keys", f"{number}={name}"] = ""
        facts["public-keys", str(number), "openssh-key"] = data
    return facts
