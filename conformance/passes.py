"""The passes: which tests run, at which microversion, as data; runs nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLUGIN = r"^zun_tempest_plugin\."
_MANILA = r"^manila_tempest_tests\.tests\.api\."
_HEAT = r"^heat_tempest_plugin\.tests\.(api|functional)\."
_CORE = r"^tempest\.api\.(identity\.(admin\.)?v3|image\.v2|network|volume)\."
_HARD_SKIPPED = (
    r"test_capsules\.TestCapsule\.",
    r"TestContainer\.test_run_container_with_cinder_volumes$",
)


_VOLUME = r"^tempest\.api\.volume\.admin\."
_GROUPS = "groups of shares are not offered, which all tests of the class make a type for"
_SHARE = r"^manila_tempest_tests\.tests\.api\.(admin\.)?"
NOT_OFFERED = (
    (
        _SHARE + r"test_export_locations_negative.*different_project_user",
        "a share of another project is not found (404), so that nobody learns which ids there are; these tests want 403",
    ),
    (
        _SHARE + r"test_(quotas\.SharesAdminQuotasUpdate|quotas_negative\.SharesAdminQuotas|share_type_availability)",
        _GROUPS,
    ),
    (_SHARE + r"test_admin_actions.*(migrat|task_state)", "shares do not move"),
    (_SHARE + r".*(soft_delete|recycle_bin|restore_)", "there is no recycle bin"),
    (
        _SHARE + r"test_(security_services|share_network|share_server|multi_backend)",
        "shares have no servers of their own",
    ),
    (
        _SHARE + r"(test_(share_manage|snapshot_manage|share_snapshot_instances)|.*_(un)?manage_share_by_user)",
        "shares and snapshots that exist already are not taken over, and snapshots have no instances",
    ),
    (r"heat_tempest_plugin.*test_encryption_vol_type", "encryption of volumes is not offered"),
    (r"heat_tempest_plugin.*test_encrypted_parameter", "servers (Nova) are not offered, of which its template has one"),
    (_VOLUME + r"test_group", "groups of volumes are not offered"),
    (_VOLUME + r"test_qos\.", "QoS specs are not offered"),
    (_VOLUME + r"test_volume_types\..*encryption", "encryption of volumes is not offered"),
    (
        _VOLUME + r"test_volume_services_negative\..*(freeze|thaw)_host",
        "replication, which freezing is for, is not offered",
    ),
    (_VOLUME + r"test_volumes_backup\..*export_import", "backups are not moved between clouds by their records"),
)
"""Tests of Tempest itself that ask for what is not offered and that no option of its configuration switches off, with why."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One run over a set of tests. ``suite``: "zun", "core", "shares" or "stacks"; ``tests``: what their names match;
    ``microversion``: the plugin's ``min_microversion``, empty for none; ``unskip``: tests that the plugin skips by a
    decorator run too."""

    name: str
    suite: str
    tests: str
    microversion: str = ""
    unskip: bool = False

    @property
    def grouping(self) -> str:
        """What the tests have in common that one process runs, as a pattern on their names: the class; for Zun's plugin, which
        has one large class and waits most of the time, nothing."""
        return "" if self.suite == "zun" else r"([^\.]*\.)*"

    def selects(self, test: str) -> bool:
        """Whether the test of this name belongs to the pass."""
        return re.search(self.tests, test) is not None


def not_offered(test: str) -> str:
    """Why a test is not run; empty: it is."""
    return next((why for pattern, why in NOT_OFFERED if re.search(pattern, test)), "")


# The plugin sends one version per class and skips what another version is needed for, so that no single pass runs all: below
# 1.14 some actions have routes of their own, 1.20 changed the command, 1.25 the archives, 1.33 and 1.39 added to rows, and
# 1.40 changed the commit. What it skips by a decorator, because of bugs of Zun, has to hold here: `zun-unskipped` runs that,
# but for test_reboot_container, which deletes a container while it restarts; upstream's own rule of states refuses that.
PASSES = (
    Pass("zun-unset", "zun", _PLUGIN),
    *(Pass(f"zun-{version}", "zun", _PLUGIN, version) for version in ("1.14", "1.24", "1.32", "1.40")),
    Pass("zun-unskipped", "zun", _PLUGIN + "(.*)(" + "|".join(_HARD_SKIPPED) + ")", "1.40", unskip=True),
    Pass("core", "core", _CORE),
    Pass("shares", "shares", _MANILA),
    Pass("stacks", "stacks", _HEAT),
)


def chosen(suite: str, name: str) -> list[Pass]:
    """Those of a suite ("" for all) with this name or microversion ("" for all)."""
    return [
        entry
        for entry in PASSES
        if suite in {"", entry.suite} and name in {"", entry.name, entry.name.removeprefix("zun-")}
    ]
