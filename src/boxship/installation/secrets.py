"""The passwords of an installation's two users, and the files that hold them, readable by their owner only."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from boxship.config import Settings
from boxship.installation import errors as installation_errors
from boxship.installation import files, trust

USERS = ("admin", "demo")
CLOUDS = {"boxship": "demo", "boxship-admin": "admin"}
"""The names in clouds.yaml with their user, whose project has the same name."""
PASSWORDS = "passwords.json"
CLOUDS_FILE = "clouds.yaml"


def passwords(state_dir: Path) -> dict[str, str]:
    """The passwords by user name. Unreadable: there are none yet, or they are for another user's eyes."""
    path = state_dir / PASSWORDS
    content = files.read(path)
    if content is None:
        raise installation_errors.Unreadable(path, "it is missing; 'boxship up' makes it")
    try:
        return msgspec.json.decode(content, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise installation_errors.Unreadable(path, "it is damaged") from error


def create(state_dir: Path) -> dict[str, str]:
    """The passwords, made at random the first time (192 bits each)."""
    path = state_dir / PASSWORDS
    if path.exists():
        return passwords(state_dir)
    made = {user: secrets.token_urlsafe(24) for user in USERS}
    files.write(path, json.dumps(made, indent=2).encode() + b"\n")
    return made


def variables(settings: Settings, user: str, project: str, password: str | None) -> dict[str, str]:
    """What OpenStack clients read from the environment (keystoneauth: OS_*)."""
    named = {
        "OS_AUTH_URL": f"{settings.url}/identity/v3",
        "OS_AUTH_TYPE": "password",
        "OS_USERNAME": user,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_NAME": project,
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": settings.region,
        "OS_IDENTITY_API_VERSION": "3",
    }
    authority = trust.authority(settings)
    if authority is not None:
        named["OS_CACERT"] = str(authority)
    return named if password is None else {**named, "OS_PASSWORD": password}


def write_clouds(settings: Settings, known: Mapping[str, str]) -> Path:
    """clouds.yaml for openstacksdk and the ``openstack`` command; its path."""
    path = settings.state_dir / CLOUDS_FILE
    files.write(path, _clouds(settings, known).encode())
    return path


def _clouds(settings: Settings, known: Mapping[str, str]) -> str:
    lines = ["# Written by 'boxship up'; changes are lost. Use: export OS_CLIENT_CONFIG_FILE=<this file>", "clouds:"]
    authority = trust.authority(settings)
    for cloud, user in CLOUDS.items():
        auth = {
            "auth_url": f"{settings.url}/identity/v3",
            "username": user,
            "password": known[user],
            "project_name": user,
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        lines += [f"  {cloud}:", "    auth:"]
        # A JSON string is a YAML string, whatever is in it.
        lines += [f"      {name}: {json.dumps(value)}" for name, value in auth.items()]
        lines += [f"    region_name: {json.dumps(settings.region)}", '    identity_api_version: "3"']
        lines += [f"    cacert: {json.dumps(str(authority))}"] if authority else []
    return "\n".join(lines) + "\n"
