"""The routes of the container service (Zun v1): every path on one screen; handlers stand in a module each."""

from __future__ import annotations

from boxship.core.http.microversions import Version
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.container.api import (
    actions,
    capsules,
    commits,
    containers,
    discovery,
    hosts,
    images,
    networks,
    quotas,
    reading,
    registries,
    sessions,
)

_ONE = "/v1/containers/{container}"
_GROUPS = Version(1, 14)
"""The last version in which security groups are added and removed by an action; later it is done at the port."""

ROUTES = [
    Route("GET", "/", discovery.show_versions, PUBLIC),
    Route("GET", "/v1", discovery.show_version, PUBLIC),
    Route("POST", "/v1/containers", containers.create_container, "container:create"),
    Route("GET", "/v1/containers", containers.list_containers, "container:get_all"),
    Route("GET", _ONE, containers.show_container, "container:get_one"),
    Route("DELETE", _ONE, containers.delete_container, "container:delete"),
    Route("PATCH", _ONE, containers.update_container, "container:update"),
    Route("POST", f"{_ONE}/rename", containers.rename_container, "container:rename", until=Version(1, 13)),
    Route(
        "POST",
        f"{_ONE}/resize_container",
        containers.resize_container,
        "container:resize_container",
        since=Version(1, 19),
    ),
    Route("GET", f"{_ONE}/network_list", containers.list_networks, "container:network_list", since=Version(1, 13)),
    Route("GET", f"{_ONE}/container_actions", containers.list_actions, "container:actions"),
    Route("GET", f"{_ONE}/container_actions/{{request}}", containers.show_action, "container:actions"),
    Route("POST", f"{_ONE}/start", actions.start, "container:start"),
    Route("POST", f"{_ONE}/stop", actions.stop, "container:stop"),
    Route("POST", f"{_ONE}/reboot", actions.reboot, "container:reboot"),
    Route("POST", f"{_ONE}/pause", actions.pause, "container:pause"),
    Route("POST", f"{_ONE}/unpause", actions.unpause, "container:unpause"),
    Route("POST", f"{_ONE}/kill", actions.kill, "container:kill"),
    Route("POST", f"{_ONE}/rebuild", actions.rebuild, "container:rebuild"),
    Route("POST", f"{_ONE}/network_attach", actions.network_attach, "container:network_attach"),
    Route("POST", f"{_ONE}/network_detach", actions.network_detach, "container:network_detach"),
    Route(
        "POST", f"{_ONE}/add_security_group", actions.add_security_group, "container:add_security_group", until=_GROUPS
    ),
    Route(
        "POST",
        f"{_ONE}/remove_security_group",
        actions.remove_security_group,
        "container:remove_security_group",
        until=_GROUPS,
    ),
    Route("GET", f"{_ONE}/logs", reading.show_logs, "container:logs", live=True),
    Route("POST", f"{_ONE}/commit", commits.commit, "container:commit"),
    Route("GET", f"{_ONE}/stats", reading.show_stats, "container:stats", live=True),
    Route("GET", f"{_ONE}/top", reading.show_processes, "container:top", live=True),
    Route("GET", f"{_ONE}/get_archive", reading.get_archive, "container:get_archive", live=True),
    Route("POST", f"{_ONE}/put_archive", reading.put_archive, "container:put_archive", stream=True),
    Route("POST", f"{_ONE}/execute", sessions.execute, "container:execute", live=True),
    Route("POST", f"{_ONE}/execute_resize", sessions.execute_resize, "container:execute_resize", live=True),
    Route("GET", f"{_ONE}/attach", sessions.attach, "container:attach", live=True),
    Route("POST", f"{_ONE}/resize", sessions.resize, "container:resize", live=True),
    Route("POST", "/v1/capsules", capsules.create_capsule, "capsule:create"),
    Route("GET", "/v1/capsules", capsules.list_capsules, "capsule:get_all"),
    Route("GET", "/v1/capsules/{capsule}", capsules.show_capsule, "capsule:get"),
    Route("DELETE", "/v1/capsules/{capsule}", capsules.delete_capsule, "capsule:delete"),
    # Hosts, their services, quotas.
    Route("GET", "/v1/hosts", hosts.list_hosts, "host:get_all", since=Version(1, 4)),
    Route("GET", "/v1/hosts/{host}", hosts.show_host, "host:get", since=Version(1, 4)),
    Route("GET", "/v1/services", hosts.list_services, "zun-service:get_all"),
    Route("DELETE", "/v1/services", hosts.delete_service, "zun-service:delete"),
    Route("PUT", "/v1/services/enable", hosts.enable_service, "zun-service:enable"),
    Route("PUT", "/v1/services/disable", hosts.disable_service, "zun-service:disable"),
    Route("PUT", "/v1/services/force_down", hosts.force_service_down, "zun-service:force_down"),
    Route("GET", "/v1/availability_zones", hosts.list_zones, "availability_zones:get_all"),
    Route("GET", "/v1/quotas/{project_id}", quotas.show_quotas, "quota:get"),
    Route("GET", "/v1/quotas/{project_id}/defaults", quotas.show_defaults, "quota:get_default"),
    Route("PUT", "/v1/quotas/{project_id}", quotas.set_quotas, "quota:update"),
    Route("DELETE", "/v1/quotas/{project_id}", quotas.reset_quotas, "quota:delete"),
    Route("GET", "/v1/quota_classes/{quota_class}", quotas.show_class, "quota_class:get"),
    Route("PUT", "/v1/quota_classes/{quota_class}", quotas.set_class, "quota_class:update"),
    # Registries.
    Route("GET", "/v1/registries", registries.list_registries, "registry:get_all"),
    Route("POST", "/v1/registries", registries.create_registry, "registry:create"),
    Route("GET", "/v1/registries/{registry}", registries.show_registry, "registry:get_one"),
    Route("PATCH", "/v1/registries/{registry}", registries.update_registry, "registry:update"),
    Route("DELETE", "/v1/registries/{registry}", registries.delete_registry, "registry:delete"),
    # Images on hosts, networks.
    Route("POST", "/v1/images", images.pull_image, "image:pull"),
    Route("GET", "/v1/images", images.list_images, "image:get_all"),
    Route("GET", "/v1/images/{image}", images.show_image, "image:get_one"),
    Route("DELETE", "/v1/images/{image}", images.delete_image, "image:delete"),
    Route("GET", "/v1/images/{image}/search", images.search_images, "image:search", live=True),
    Route("GET", "/v1/images/{folder}/{image}/search", images.search_images, "image:search", live=True),
    Route("POST", "/v1/networks", networks.create_network, "network:create"),
    Route("DELETE", "/v1/networks/{network}", networks.delete_network, "network:delete", since=Version(1, 27)),
]
