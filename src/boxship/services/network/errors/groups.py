"""What can go wrong with security groups and their rules."""

from __future__ import annotations

from boxship.core import errors
from boxship.services.network.errors.general import InvalidInput


class SecurityGroupConflict(errors.Conflict):
    """Groups do not go together."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Error {reason} while attempting the operation.")


class SecurityGroupNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security group {id} does not exist")


class SecurityGroupRuleNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security group rule {id} does not exist")


class SecurityGroupInUse(errors.Conflict):
    def __init__(self, id: str, reason: str = "in use") -> None:
        super().__init__(f"Security Group {id} {reason}.")


class SecurityGroupCannotRemoveDefault(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("Insufficient rights for removing default security group.")


class SecurityGroupCannotUpdateDefault(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("Updating default security group not allowed.")


class SecurityGroupDefaultAlreadyExists(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("Default security group already exists.")


class SecurityGroupRuleExists(errors.Conflict):
    def __init__(self, rule_id: str) -> None:
        super().__init__(f"Security group rule already exists. Rule id is {rule_id}.")


class SecurityGroupRuleInvalid(InvalidInput):
    """The root of what Neutron refuses in a rule."""


class SecurityGroupInvalidPortRange(SecurityGroupRuleInvalid):
    def __init__(self) -> None:
        super().__init__("For TCP/UDP protocols, port_range_min must be <= port_range_max", field="port_range_min")


class SecurityGroupInvalidPortValue(SecurityGroupRuleInvalid):
    def __init__(self, field: str, port: int) -> None:
        super().__init__(f"Invalid value for port {port}", field=field)


class SecurityGroupInvalidProtocolForPort(SecurityGroupRuleInvalid):
    def __init__(self, protocol: str) -> None:
        super().__init__(
            f"Ports cannot be specified for protocol {protocol}. "
            "Ports are only supported for tcp, udp, udplite, sctp and dccp.",
            field="port_range_min",
        )


class SecurityGroupInvalidIcmpValue(SecurityGroupRuleInvalid):
    def __init__(self, field: str, attribute: str, value: int) -> None:
        super().__init__(f"Invalid value for ICMP {attribute} ({field}) {value}. It must be 0 to 255.", field=field)


class SecurityGroupMissingIcmpType(SecurityGroupRuleInvalid):
    def __init__(self, code: int) -> None:
        super().__init__(
            f"ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing.",
            field="port_range_min",
        )


class SecurityGroupProtocolRequiredWithPorts(SecurityGroupRuleInvalid):
    def __init__(self) -> None:
        super().__init__("Must also specify protocol if port range is given.", field="protocol")


class SecurityGroupRuleInvalidProtocol(SecurityGroupRuleInvalid):
    def __init__(self, protocol: object) -> None:
        super().__init__(
            f"Security group rule protocol {protocol} not supported. Only names of protocols such as tcp, udp, icmp "
            "and integer representations [0 to 255] are supported.",
            field="protocol",
        )


class SecurityGroupEthertypeConflictWithProtocol(SecurityGroupRuleInvalid):
    def __init__(self, ethertype: str, protocol: str) -> None:
        super().__init__(f"Invalid ethertype {ethertype} for protocol {protocol}.", field="ethertype")


class SecurityGroupRuleParameterConflict(SecurityGroupRuleInvalid):
    def __init__(self, ethertype: str, cidr: str) -> None:
        super().__init__(f"Conflicting value ethertype {ethertype} for CIDR {cidr}", field="remote_ip_prefix")


class SecurityGroupMultipleRemoteEntites(SecurityGroupRuleInvalid):
    def __init__(self) -> None:
        super().__init__("Only one of remote_ip_prefix or remote_group_id may be provided.", field="remote_ip_prefix")
