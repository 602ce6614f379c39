"""Names, routes, hosts files, the host's table, records and netlink attributes: small pure pieces."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest

from boxship.core.errors import Refused
from boxship.drivers.linux import cabling, dnsmasq, names, naming, netlink, uplink
from boxship.drivers.linux.interface import NamesSpec, Route, UplinkSpec
from boxship.drivers.linux.records import NOTHING, Record, Records

SPEC = NamesSpec(
    "a0", "e0", "fa:16:3e:00:00:03", (ip_interface("10.0.0.2/24"),), "example.org.", (("web", ip_address("10.0.0.5")),)
)


def test_links_have_names_that_the_kernel_takes_and_aliases_that_say_all() -> None:
    id = "b0000000-0000-4000-8000-000000000001"
    ours = naming.Naming("a1b2")
    assert all(len(name) <= 15 for name in (naming.bridge(id), naming.tap(id), naming.leg(id), f"{ours.uplink(id)}-in"))
    assert ours.aliased(ours.alias("port", id), "port") == id
    assert ours.aliased(ours.alias("port", id), "network") is None
    assert naming.Naming("ffff").aliased(ours.alias("port", id), "port") is None


def test_roles_of_namespaces_of_another_installation_are_not_ours() -> None:
    spaces = ["boxship-a1b2-router-x", "boxship-a1b2-sandbox-y", "boxship-ffff-router-z", "router-q"]
    assert naming.Naming("a1b2").named(spaces, "router") == {"x"}


@pytest.mark.parametrize("mac", ["01:00:5e:00:00:01", "fa:16:3e:00:00", "fa:16:3e:00:00:0g", "ff:ff:ff:ff:ff:ff", ""])
def test_only_a_mac_of_one_station_is_one_of_a_port(mac: str) -> None:
    with pytest.raises(Refused):
        naming.check_port(mac)


def test_hosts_have_their_name_with_and_without_the_domain() -> None:
    assert names.hosts(SPEC) == "10.0.0.5 web.example.org web\n"


def test_dnsmasq_reads_nothing_of_the_host() -> None:
    words = dnsmasq.Daemon("", Path("/run/x")).command(*names.options(SPEC, Path("/run/x")))
    assert {"--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--address=/#/", "--user=nobody"} <= set(words)


def test_routes_that_went_are_deleted_and_others_left_alone() -> None:
    wanted = [
        Route(ip_network("0.0.0.0/0"), ip_address("10.0.0.1")),
        Route(ip_network("10.9.0.0/16"), ip_address("10.0.0.9")),
    ]
    present = {("0.0.0.0/0", "10.0.0.1"), ("10.8.0.0/16", "10.0.0.8")}
    assert cabling.rerouted(wanted, present) == [
        "route delete 10.8.0.0/16 via 10.0.0.8",
        "route replace 10.9.0.0/16 via 10.0.0.9",
    ]


def test_addresses_that_went_are_deleted() -> None:
    lines = cabling.addressed({"d": [ip_interface("10.0.0.1/24")]}, {"d": frozenset({"10.0.0.9/32", "10.0.0.1/24"})})
    assert lines == ["address delete 10.0.0.9/32 dev d", "address replace 10.0.0.1/24 dev d", "link set d up"]


def test_the_host_lets_in_answers_and_echo_and_nothing_else() -> None:
    text = uplink.table(
        naming.Naming("a1b2"), UplinkSpec("external", (ip_interface("198.18.0.1/24"), ip_interface("fd00::1/64")))
    )
    start = text.index("chain input")
    accepted = [line for line in text[start:].splitlines() if line.endswith(" accept")]
    assert all("established,related" in line or "echo-request" in line for line in accepted)
    assert text[start:].rstrip().splitlines()[-3].strip() == 'iifname "bsa1b2-exter" drop'


def test_a_range_that_overlaps_one_of_the_host_is_refused_by_name() -> None:
    spec = UplinkSpec("ext", (ip_interface("198.18.0.1/24"),))
    with pytest.raises(Refused, match="eth0 uses 198"):
        cabling.check_free(spec, {"eth0": frozenset({"198.18.0.77/16"})}, "own")
    cabling.check_free(spec, {"own": frozenset({"198.18.0.1/24"}), "eth0": frozenset({"10.0.0.1/8"})}, "own")


def test_records_are_found_by_the_next_program_unless_they_are_broken(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.open()
    record = Record(whole="x", sandbox="box", addresses=("10.0.0.1/24",), number=5)
    for id in ("a", "b"):
        records.begin(id, record)
        records.finish(id, record)
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.json").write_text('{"whole": 5}')
    again = Records(tmp_path)
    again.open()
    assert (again.ids(), again.get("a"), again.get("b")) == (frozenset("a"), record, NOTHING)
    assert again.inside("box") == ["a"]


def test_netlink_attributes_are_read_as_they_were_written() -> None:
    data = netlink.attribute(1, b"abc") + netlink.attribute(2, "text") + netlink.attribute(3, 7)
    assert len(data) % 4 == 0
    assert list(netlink.attributes(data)) == [(1, b"abc"), (2, b"text\0"), (3, (7).to_bytes(4, "little"))]
    assert list(netlink.attributes(b"\0\0\0\0")) == []
