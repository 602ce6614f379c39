"""Tempest's configuration for a pass (``tempest.conf``, ``.stestr.conf``): what the cloud is, and honestly what it offers.

A feature is switched off here only where Boxship's documentation says that it does not have it.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

from boxship.services.share.operations.services import BACKEND
from boxship.services.share.versions import MICROVERSIONS
from conformance.cloud import Cloud
from conformance.passes import Pass

Sections = Mapping[str, Mapping[str, object]]


def write(directory: Path, cloud: Cloud, run: Pass, packages: Path) -> Path:
    """Write both files into the directory of the pass, which only the owner may read; the path of tempest.conf."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)  # Tempest's log is not for others either
    sections = {
        **_basics(directory, cloud),
        **_network(cloud),
        **_features(cloud),
        **_shares(),
        **_stacks(cloud),
        **_containers(cloud, run),
    }
    _write(directory / "tempest.conf", sections)
    tempest = packages / "tempest"
    discovery: dict[str, object] = {"test_path": tempest / "test_discover", "top_dir": tempest}
    if run.grouping:
        discovery["group_regex"] = run.grouping
    _write(directory / ".stestr.conf", {"DEFAULT": discovery})
    return directory / "tempest.conf"


def _write(path: Path, sections: Sections) -> None:
    parser = configparser.RawConfigParser(default_section="")
    for name, options in sections.items():
        parser[name] = {option: str(value) for option, value in options.items()}
    path.touch(mode=0o600)
    with path.open("w") as file:
        parser.write(file)


def _basics(directory: Path, cloud: Cloud) -> Sections:
    identity = f"{cloud.installation.url}/identity/v3"
    return {
        "DEFAULT": {"log_dir": directory, "log_file": "tempest.log", "debug": True},
        "oslo_concurrency": {"lock_path": directory / "locks"},
        "auth": {
            "use_dynamic_credentials": True,
            "admin_username": cloud.admin.user,
            "admin_password": cloud.admin.password,
            "admin_project_name": cloud.admin.project,
            "admin_domain_name": "Default",
            "tempest_roles": "member",
        },
        "identity": {"uri_v3": identity, "auth_version": "v3", "region": "RegionOne"},
        "service_available": {
            "nova": False,
            "swift": False,
            "horizon": False,
            "zun": True,
            "manila": True,
            "heat": True,
        },
        "validation": {"run_validation": False, "ping_timeout": 60},
    }


def _network(cloud: Cloud) -> Sections:
    public = cloud.public_network
    return {
        "network": {
            "public_network_id": public["id"],
            "floating_network_name": public["name"],
            "build_timeout": 60,
        },
        "network-feature-enabled": {
            "api_extensions": ",".join(cloud.extensions),
            "port_security": "port-security" in cloud.extensions,
            "ipv6_subnet_attributes": True,
        },
    }


def _features(cloud: Cloud) -> Sections:
    return {
        "identity-feature-enabled": {"trust": False, "access_rules": False, "api_extensions": ""},
        "image": {"container_formats": "bare,docker", "disk_formats": "raw,qcow2", "build_timeout": 60},
        "image-feature-enabled": {
            "import_image": False,
            "os_glance_reserved": False,
            "image_format_enforcement": False,
        },
        "compute-feature-enabled": {"volume_multiattach": True},
        "compute": {"image_ref": cloud.image, "image_ref_alt": cloud.image},
        "volume": {
            "build_timeout": 30,
            "max_microversion": "latest",
            "storage_protocol": "local",
            "vendor_name": "Open Source",
            "backup_driver": "posix",
            "disk_format": "raw",
        },
        "volume-feature-enabled": {"manage_volume": False, "manage_snapshot": False},
    }


def _shares() -> Sections:
    return {
        "share": {
            "min_api_microversion": str(MICROVERSIONS.minimum),
            "max_api_microversion": str(MICROVERSIONS.maximum),
            "multitenancy_enabled": False,
            "create_networks_when_multitenancy_enabled": False,
            "enable_protocols": "nfs",
            "enable_ip_rules_for_protocols": "nfs",
            "enable_cert_rules_for_protocols": "",
            "enable_cephx_rules_for_protocols": "",
            "enable_ro_access_level_for_protocols": "nfs",
            "default_share_type_name": "default",
            "backend_names": BACKEND,
            "capability_storage_protocol": "NFS",
            "capability_snapshot_support": True,
            "capability_create_share_from_snapshot_support": True,
            "capability_revert_to_snapshot_support": True,
            "capability_thin_provisioned": True,
            "run_ipv6_tests": True,
            "run_revert_to_snapshot_tests": True,
            "run_share_group_tests": False,
            "run_multiple_share_replicas_tests": False,
            "run_positive_migration_replica_tests": False,
            "suppress_errors_in_cleanup": True,
            "build_interval": 1,
            "build_timeout": 60,
        },
    }


def _stacks(cloud: Cloud) -> Sections:
    identity = f"{cloud.installation.url}/identity/v3"
    return {
        "heat_plugin": {
            "auth_url": identity,
            "auth_version": "3",
            "username": cloud.admin.user,
            "password": cloud.admin.password,
            "project_name": cloud.admin.project,
            "admin_username": cloud.admin.user,
            "admin_password": cloud.admin.password,
            "admin_project_name": cloud.admin.project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
            "user_domain_id": "default",
            "project_domain_id": "default",
            "region": "RegionOne",
            "floating_network_name": cloud.public_network["name"],
            "build_interval": 1,
            "build_timeout": 60,
            "skip_scenario_tests": True,
            "convergence_engine_enabled": True,
        },
        "heat_features_enabled": {"stack_cancel": True, "multi_cloud": False},
    }


def _containers(cloud: Cloud, run: Pass) -> Sections:
    service = {"min_microversion": run.microversion} if run.microversion else {}
    return {
        "container_service": {"max_microversion": "latest", "wait_timeout": 60, **service},
        "docker": {"docker_remote_api_version": cloud.engine_version},
    }
