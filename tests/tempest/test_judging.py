"""What `make conformance` makes of the results of tests: reasons, classes that could not be set up, and what is worse."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import expectations, passes, results
from conformance.results import Outcome, Result

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED

TRACE = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
    raise KeyError
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in test
tempest.lib.exceptions.NotFound: Object not found
Details: {'id': '0f0ff4a5-59ea-4bc2-9e1a-c097f0bca1c7', 'name': 'tempest-test-1234567890', 'at': '127.0.0.1:40123'}
"""


def test_the_reason_is_the_last_exception_without_what_changes() -> None:
    assert results.reason(FAILED, TRACE) == (
        "tempest.lib.exceptions.NotFound: Object not found Details: {'id': 'ID', 'name': 'tempest-test-N', 'at': 'HOST'}"
    )
    assert results.reason(SKIPPED, "  bug 1941982\n") == "bug 1941982"
    assert results.reason(PASSED, TRACE) == ""


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("a.B.test_c[id-b8946b8c-57d5-4fdc-a09a-001d6b552725]", "a.B.test_c"),
        ("a.B.test_c[compute,id-b8946b8c-57d5-4fdc-a09a-001d6b552725,smoke]", "a.B.test_c"),
        ("a.B.test_c[scenario]", "a.B.test_c[scenario]"),
    ],
)
def test_labels_are_not_part_of_a_name(label: str, name: str) -> None:
    assert results.plain(label) == name


def test_tests_share_what_became_of_their_class() -> None:
    seen = {
        "a.B.test_one": Result("a.B.test_one", PASSED, 1.0),
        "setUpClass (a.C)": Result("setUpClass (a.C)", SKIPPED, reason="no feature"),
        "tearDownClass (a.B)": Result("tearDownClass (a.B)", FAILED, reason="left over"),
        "tearDownClass (a.C)": Result("tearDownClass (a.C)", PASSED),
    }
    found = results.complete(["a.C.test_two", "a.B.test_one", "a.D.test_three"], seen)
    assert [(result.name, result.outcome, result.reason) for result in found] == [
        ("a.B.test_one", PASSED, ""),
        ("a.C.test_two", SKIPPED, "no feature"),
        ("a.D.test_three", FAILED, "it was not run: its process ended before"),
        ("tearDownClass (a.B)", FAILED, "left over"),
    ]


@pytest.mark.parametrize(
    ("expected", "found", "worse"),
    [
        (PASSED, FAILED, True),
        (PASSED, SKIPPED, True),
        (PASSED, None, True),
        (SKIPPED, FAILED, True),
        (SKIPPED, PASSED, False),
        (SKIPPED, None, False),
        (FAILED, PASSED, False),
        (FAILED, SKIPPED, False),
        (FAILED, None, False),
        (None, FAILED, True),
        (None, SKIPPED, False),
        (None, PASSED, False),
    ],
)
def test_what_is_worse(expected: Outcome | None, found: Outcome | None, worse: bool) -> None:
    before = {} if expected is None else {"a.B.c": expected}
    after = [] if found is None else [Result("a.B.c", found)]
    (change,) = expectations.compare(before, after, partly=False)
    assert change.worse is worse
    assert "a.B.c" in str(change)


def test_tests_left_out_on_purpose_are_not_missing() -> None:
    assert expectations.compare({"a": PASSED, "b": PASSED}, [Result("a", PASSED)], partly=True) == []


def test_what_is_recorded_is_what_is_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectations, "DIRECTORY", tmp_path)
    assert expectations.read("zun") is None
    found = [
        Result("b.test", FAILED, 1.0, "KeyError: 'x'  # y"),
        Result("a.test", PASSED),
        Result("c.test", SKIPPED, reason="bug"),
    ]
    path = expectations.write("zun", found)
    assert path.read_text() == "passed a.test\nfailed b.test  # KeyError: 'x'  # y\nskipped c.test  # bug\n"
    assert expectations.compare(expectations.read("zun") or {}, found, partly=False) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in expectations.DIRECTORY.glob("*.txt")))
def test_recorded_expectations_belong_to_passes(name: str) -> None:
    (entry,) = (entry for entry in passes.PASSES if entry.name == name)
    expected = expectations.read(name) or {}
    assert expected
    assert [test for test in expected if not entry.selects(test) and not test.startswith("tearDownClass")] == []


def test_passes_are_chosen_by_suite_name_and_version() -> None:
    assert [entry.name for entry in passes.chosen("zun", "1.40")] == ["zun-1.40"]
    assert [entry.name for entry in passes.chosen("", "core")] == ["core"]
    assert passes.chosen("core", "1.40") == []
    assert passes.chosen("", "") == list(passes.PASSES)


def test_only_what_the_plugin_skips_itself_is_run_once_more() -> None:
    (unskipped,) = passes.chosen("zun", "unskipped")
    prefix = "zun_tempest_plugin.tests.tempest.api."
    chosen = [
        "test_capsules.TestCapsule.test_create_capsule",
        "test_containers.TestContainer.test_run_container_with_cinder_volumes",
    ]
    assert all(unskipped.selects(prefix + name) for name in chosen)
    assert not unskipped.selects(prefix + "test_containers.TestContainer.test_reboot_container")
