"""Networks, subnets and ports through the API: what is made, seen, changed, deleted and refused."""

from __future__ import annotations

import pytest

from tests.services.network.world import PROJECTS, World


async def test_a_network_with_a_subnet_and_a_port(world: World) -> None:
    network_id, subnet_id = await world.net()
    network = await world.shown("alice", f"/networks/{network_id}")
    assert network["subnets"] == [subnet_id]
    assert network["status"] == "ACTIVE"
    assert network["project_id"] == network["tenant_id"] == PROJECTS["alice"]
    subnet = await world.shown("alice", f"/subnets/{subnet_id}")
    assert subnet["gateway_ip"] == "10.0.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    port = await world.made("alice", "/ports", network_id=network_id, name="p")
    assert port["fixed_ips"] == [{"subnet_id": subnet_id, "ip_address": "10.0.0.3"}]
    assert port["mac_address"].startswith("fa:16:3e:")
    assert port["status"] == "DOWN"
    assert len(port["security_groups"]) == 1
    assert port["dns_assignment"] == [
        {"ip_address": "10.0.0.3", "hostname": "host-10-0-0-3", "fqdn": "host-10-0-0-3.openstacklocal."}
    ]
    listed = (await world.request("alice", "GET", "/ports")).json()["ports"]
    assert [entry["device_owner"] for entry in listed] == ["network:dhcp", ""]
    assert listed[0]["fixed_ips"][0]["ip_address"] == "10.0.0.2"
    assert listed[1] == port


async def test_projects_do_not_see_each_other(world: World) -> None:
    network_id, subnet_id = await world.net("alice")
    await world.net("bob")
    for path in (f"/networks/{network_id}", f"/subnets/{subnet_id}"):
        assert (await world.request("bob", "GET", path)).status_code == 404
        assert (await world.request("bob", "DELETE", path)).status_code == 404
    assert len((await world.request("bob", "GET", "/subnets")).json()["subnets"]) == 1
    assert len((await world.request("admin", "GET", "/subnets")).json()["subnets"]) == 3
    await world.refused("bob", "POST /ports", {"port": {"network_id": network_id}}, (404, "NetworkNotFound"))


async def test_deleting_in_the_wrong_order_is_refused(world: World) -> None:
    network_id, subnet_id = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    await world.refused("alice", f"DELETE /networks/{network_id}", None, (409, "NetworkInUse"))
    await world.refused("alice", f"DELETE /subnets/{subnet_id}", None, (409, "SubnetInUse"))
    assert (await world.request("alice", "DELETE", f"/ports/{port['id']}")).status_code == 204
    assert (await world.request("alice", "DELETE", f"/networks/{network_id}")).status_code == 204
    assert (await world.request("alice", "GET", f"/subnets/{subnet_id}")).status_code == 404
    assert (await world.request("alice", "GET", "/ports")).json() == {"ports": []}


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"cidr": "nonsense"}, 400, "InvalidInput"),
        ({"cidr": "10.0.0.1"}, 400, "InvalidInput"),
        ({"cidr": "10.0.0.0/33"}, 400, "InvalidInput"),
        ({"cidr": "0.0.0.0/0"}, 400, "InvalidInput"),
        ({"cidr": "224.0.0.0/24"}, 400, "InvalidInput"),
        ({"cidr": "127.0.0.0/8"}, 400, "InvalidInput"),
        ({"cidr": "128.0.0.0/1"}, 400, "InvalidInput"),
        ({"cidr": "2001:db8::/64"}, 400, "InvalidInput"),
        ({"gateway_ip": "10.1.0.1"}, 400, "InvalidInput"),
        ({"gateway_ip": "10.0.0.0"}, 400, "InvalidInput"),
        ({"gateway_ip": "10.0.0.255"}, 400, "InvalidInput"),
        ({"gateway_ip": "10.0.0.5", "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}]}, 409,
         "GatewayConflictWithAllocationPools"),
        ({"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.2"}]}, 400, "InvalidAllocationPool"),
        ({"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.1.2"}]}, 400, "OutOfBoundsAllocationPool"),
        ({"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}, {"start": "10.0.0.9", "end": "10.0.0.20"}]},
         409, "OverlappingAllocationPools"),
        ({"dns_nameservers": ["ns.example.org"]}, 400, "InvalidInput"),
        ({"host_routes": [{"destination": "10.9.0.0/24", "nexthop": "x"}]}, 400, "InvalidInput"),
        ({"ipv6_ra_mode": "slaac"}, 400, "InvalidInput"),
        ({"ip_version": 5}, 400, "BadRequest"),
        ({"enable_dhcp": "perhaps"}, 400, "BadRequest"),
        ({"colour": "red"}, 400, "BadRequest"),
    ],
)  # fmt: skip
async def test_bad_subnets(world: World, fields: dict[str, object], status: int, kind: str) -> None:
    network = await world.made("alice", "/networks", name="n")
    body = {"subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"} | fields}
    sentence = await world.refused("alice", "POST /subnets", body, (status, kind))
    assert sentence
    assert (await world.request("alice", "GET", "/subnets")).json() == {"subnets": []}


async def test_subnets_of_a_network_do_not_overlap_and_host_bits_are_dropped(world: World) -> None:
    network_id, _ = await world.net(cidr="10.0.0.77/24")
    body = {"subnet": {"network_id": network_id, "ip_version": 4, "cidr": "10.0.0.128/25"}}
    assert "overlaps" in await world.refused("alice", "POST /subnets", body, (400, "InvalidInput"))
    cidrs = [subnet["cidr"] for subnet in (await world.request("alice", "GET", "/subnets")).json()["subnets"]]
    assert cidrs == ["10.0.0.0/24"]


async def test_lists_filter_sort_choose_fields_and_page(world: World) -> None:
    for name in ("c", "a", "b"):
        await world.made("alice", "/networks", name=name)
    path = "/networks?fields=name&sort_key=name&sort_dir=desc&router:external=false"
    assert (await world.request("alice", "GET", path)).json() == {
        "networks": [{"name": "c"}, {"name": "b"}, {"name": "a"}]
    }
    assert len((await world.request("alice", "GET", "/networks?name=a&name=b")).json()["networks"]) == 2
    names, url = [], "/networks?limit=2&sort_key=name&fields=name&router:external=False"
    while url:
        page = (await world.request("alice", "GET", url)).json()
        names += [network["name"] for network in page["networks"]]
        links = {link["rel"]: link["href"] for link in page.get("networks_links", [])}
        url = links.get("next", "").partition("/v2.0")[2]
    assert names == ["a", "b", "c"]
    await world.refused("alice", "GET /networks?colour=red", None, (400, "BadRequest"))


async def test_bulk_is_all_or_nothing(world: World) -> None:
    response = await world.request("alice", "POST", "/networks", {"networks": [{"name": "a"}, {"name": "b"}]})
    assert [network["name"] for network in response.json()["networks"]] == ["a", "b"]
    network_id = response.json()["networks"][0]["id"]
    bad = [{"network_id": network_id}, {"network_id": "nowhere"}]
    await world.refused("alice", "POST /ports", {"ports": bad}, (404, "NetworkNotFound"))
    assert (await world.request("alice", "GET", "/ports")).json() == {"ports": []}


async def test_only_an_admin_shares_networks_and_makes_external_ones(world: World) -> None:
    for attribute in ("shared", "router:external"):
        body = {"network": {"name": "n", attribute: True}}
        await world.refused("alice", "POST /networks", body, (403, "PolicyNotAuthorized"))
    external = (await world.request("alice", "GET", "/networks?router:external=True")).json()["networks"][0]
    assert external["name"] == "public"
    body = {"port": {"network_id": external["id"]}}
    await world.refused("alice", "POST /ports", body, (403, "PolicyNotAuthorized"))
    await world.refused("alice", f"DELETE /networks/{external['id']}", None, (403, "PolicyNotAuthorized"))


async def test_on_a_shared_network_a_port_cannot_pose_as_another(world: World) -> None:
    network = await world.made("admin", "/networks", name="n", shared=True)
    subnet = await world.made("admin", "/subnets", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    await world.made("alice", "/ports", network_id=network["id"], fixed_ips=[{"subnet_id": subnet["id"]}])
    for fields in (
        {"mac_address": "fa:16:3e:00:00:01"},
        {"port_security_enabled": False},
        {"allowed_address_pairs": [{"ip_address": "10.0.0.1"}]},
        {"fixed_ips": [{"ip_address": "10.0.0.1"}]},
    ):
        body = {"port": {"network_id": network["id"]} | fields}
        await world.refused("alice", "POST /ports", body, (403, "PolicyNotAuthorized"))
    body = {"port": {"network_id": network["id"], "device_owner": "network:router_interface"}}
    await world.refused("alice", "POST /ports", body, (403, "PolicyNotAuthorized"))


async def test_fixed_addresses(world: World) -> None:
    network_id, subnet_id = await world.net()
    fixed = [{"ip_address": "10.0.0.77"}]
    port = await world.made("alice", "/ports", network_id=network_id, fixed_ips=fixed)
    assert port["fixed_ips"] == [{"subnet_id": subnet_id, "ip_address": "10.0.0.77"}]
    body = {"port": {"network_id": network_id, "fixed_ips": fixed}}
    await world.refused("alice", "POST /ports", body, (409, "IpAddressAlreadyAllocated"))
    for ip, kind in (("10.9.0.1", "InvalidIpForNetwork"), ("10.0.0.255", "InvalidIpForSubnet"), ("x", "InvalidInput")):
        body = {"port": {"network_id": network_id, "fixed_ips": [{"ip_address": ip}]}}
        await world.refused("alice", "POST /ports", body, (400, kind))
    changed = {"port": {"fixed_ips": [{"ip_address": "10.0.0.78"}, {"subnet_id": subnet_id}], "dns_name": "web"}}
    port = (await world.request("alice", "PUT", f"/ports/{port['id']}", changed)).json()["port"]
    assert [entry["ip_address"] for entry in port["fixed_ips"]] == ["10.0.0.77", "10.0.0.78"]
    assert port["dns_assignment"][0]["fqdn"] == "web.openstacklocal."
    assert port["revision_number"] == 2
    changed = {"port": {"fixed_ips": [{"ip_address": "10.0.0.90"}]}}
    await world.request("alice", "PUT", f"/ports/{port['id']}", changed)
    await world.made("alice", "/ports", network_id=network_id, fixed_ips=fixed)


async def test_a_pool_ends(world: World) -> None:
    network_id, _ = await world.net(cidr="10.0.0.0/29")
    ports = [await world.made("alice", "/ports", network_id=network_id) for _ in range(4)]
    body = {"port": {"network_id": network_id}}
    await world.refused("alice", "POST /ports", body, (409, "IpAddressGenerationFailure"))
    await world.request("alice", "DELETE", f"/ports/{ports[1]['id']}")
    again = await world.made("alice", "/ports", network_id=network_id)
    assert again["fixed_ips"] == ports[1]["fixed_ips"]


async def test_ipv6_and_both(world: World) -> None:
    network_id, _ = await world.net()
    slaac = await world.made(
        "alice", "/subnets", network_id=network_id, cidr="2001:db8::/64", ip_version=6,
        ipv6_ra_mode="slaac", ipv6_address_mode="slaac",
    )  # fmt: skip
    port = await world.made("alice", "/ports", network_id=network_id, mac_address="fa:16:3e:12:34:56")
    assert [entry["ip_address"] for entry in port["fixed_ips"]] == ["10.0.0.3", "2001:db8::f816:3eff:fe12:3456"]
    assert slaac["gateway_ip"] == "2001:db8::1"
    assert slaac["allocation_pools"] == [{"start": "2001:db8::2", "end": "2001:db8::ffff:ffff:ffff:ffff"}]
    body = {"port": {"network_id": network_id, "fixed_ips": [{"ip_address": "2001:db8::5"}]}}
    await world.refused("alice", "POST /ports", body, (400, "InvalidIpForSubnet"))


async def test_mac_addresses_are_unique_in_a_network(world: World) -> None:
    network_id, _ = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    body = {"port": {"network_id": network_id, "mac_address": port["mac_address"].upper()}}
    await world.refused("alice", "POST /ports", body, (409, "MacAddressInUse"))
    body["port"]["mac_address"] = "01:00:5e:00:00:01"
    await world.refused("alice", "POST /ports", body, (400, "InvalidInput"))


async def test_quotas(world: World) -> None:
    world.settings = type(world.settings)()
    details = (await world.request("alice", "GET", f"/quotas/{PROJECTS['alice']}/details")).json()["quota"]
    assert details["network"] == {"limit": 100, "used": 0, "reserved": 0}
    await world.made("alice", "/networks", name="n")
    details = (await world.request("alice", "GET", f"/quotas/{PROJECTS['alice']}/details")).json()["quota"]
    assert details["network"]["used"] == 1
    assert (await world.request("bob", "GET", f"/quotas/{PROJECTS['alice']}")).status_code == 403


async def test_a_full_quota(world: World) -> None:
    for _ in range(10):
        await world.made("alice", "/routers", name="r")
    assert "router" in await world.refused("alice", "POST /routers", {"router": {}}, (409, "OverQuota"))
    await world.made("bob", "/routers", name="r")


async def test_a_reader_only_reads(world: World) -> None:
    network_id, _ = await world.net()
    assert (await world.request("reader", "GET", f"/networks/{network_id}")).status_code == 200
    assert (await world.request("reader", "DELETE", f"/networks/{network_id}")).status_code == 403
    assert (await world.request("reader", "POST", "/ports", {"port": {"network_id": network_id}})).status_code == 403
    assert (await world.request(None, "GET", "/networks")).status_code == 401


async def test_a_subnet_whose_addresses_follow_from_macs_goes_before_its_ports(world: World) -> None:
    network = await world.made("alice", "/networks")
    wish = {"network_id": network["id"], "ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    subnet = await world.made("alice", "/subnets", cidr="2001:db8::/64", **wish)
    port = await world.made("alice", "/ports", network_id=network["id"])
    assert [entry["subnet_id"] for entry in port["fixed_ips"]] == [subnet["id"]]
    assert (await world.request("alice", "DELETE", f"/subnets/{subnet['id']}")).status_code == 204
    assert (await world.shown("alice", f"/ports/{port['id']}"))["fixed_ips"] == []
    assert (await world.request("alice", "GET", f"/subnets/{subnet['id']}")).status_code == 404

    again = await world.made("alice", "/subnets", cidr="2001:db8::/64", **wish)
    router = await world.made("alice", "/routers")
    leg = {"subnet_id": again["id"]}
    assert (
        await world.request("alice", "PUT", f"/routers/{router['id']}/add_router_interface", leg)
    ).status_code == 200
    await world.refused("alice", f"DELETE /subnets/{again['id']}", None, (409, "SubnetInUse"))


async def test_what_a_network_is_on_the_wire_is_for_admins(world: World) -> None:
    mine = await world.made("alice", "/networks", name="mine")
    assert not [name for name in mine if name.startswith("provider:")]
    shown = (await world.request("admin", "GET", f"/networks/{mine['id']}")).json()["network"]
    assert shown["provider:network_type"] == "vxlan"
    assert shown["provider:physical_network"] is None
    taken = shown["provider:segmentation_id"]
    wish = {"name": "chosen", "provider:network_type": "vxlan", "provider:segmentation_id": 4711}
    await world.refused("alice", "POST /networks", {"network": wish}, (403, "PolicyNotAuthorized"))
    chosen = await world.made("admin", "/networks", **wish)
    assert chosen["provider:segmentation_id"] == 4711
    body = {"network": {**wish, "provider:segmentation_id": taken}}
    await world.refused("admin", "POST /networks", body, (409, "SegmentInUse"))
    for bad in (
        {"provider:network_type": "vlan"},
        {"provider:network_type": "local"},
        {"provider:segmentation_id": 0},
        {"provider:segmentation_id": 70000},
        {"provider:physical_network": "eth0"},
        {"router:external": True, "provider:segmentation_id": 12},
        {"router:external": True, "provider:network_type": "vxlan"},
    ):
        answer = await world.request("admin", "POST", "/networks", {"network": {"name": "n", **bad}})
        assert answer.status_code == 400, bad
        assert "provider:" in answer.text


async def test_there_may_be_several_external_networks(world: World) -> None:
    second = await world.made("admin", "/networks", name="second", **{"router:external": True})
    await world.made("admin", "/subnets", network_id=second["id"], cidr="198.51.100.0/24", ip_version=4)
    await world.settle()
    assert second["id"] in world.kernel.uplinks
    assert len(world.kernel.uplinks) == 2
    change = {"network": {"router:external": False}}
    assert (await world.request("admin", "PUT", f"/networks/{second['id']}", change)).status_code == 200
    await world.settle()
    assert second["id"] not in world.kernel.uplinks
    assert second["id"] in world.kernel.networks


async def test_floating_ips_that_lead_nowhere_go_with_their_network(world: World) -> None:
    outside = await world.made("admin", "/networks", name="outside", **{"router:external": True})
    await world.made("admin", "/subnets", network_id=outside["id"], cidr="198.51.100.0/24", ip_version=4)
    idle = await world.made("alice", "/floatingips", floating_network_id=outside["id"])
    router = await world.made("alice", "/routers", name="r", external_gateway_info={"network_id": outside["id"]})
    await world.refused("admin", f"DELETE /networks/{outside['id']}", None, (409, "NetworkInUse"))
    assert (await world.request("alice", "GET", f"/floatingips/{idle['id']}")).status_code == 200
    assert (await world.request("alice", "DELETE", f"/routers/{router['id']}")).status_code == 204
    assert (await world.request("admin", "DELETE", f"/networks/{outside['id']}")).status_code == 204
    assert (await world.request("alice", "GET", f"/floatingips/{idle['id']}")).status_code == 404
    assert (await world.request("admin", "GET", f"/ports?network_id={outside['id']}")).json() == {"ports": []}
