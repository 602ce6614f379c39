"""Figures of stacks: what a resource costs by itself, beside many, and beside the same asked of the API; what reading costs.

Resources that need nobody are measured with fake drivers, containers on the real engine.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from bench import cloud as clouds
from bench.table import Figure

PORT = 19560
STEPS = (20, 200, 1000)
"""Resources of a stack; half of them random strings, half values of those."""
CONTAINERS, PARALLEL = 100, 16
DEPTH = 5
LARGEST = 512 << 10
"""Bytes of a template, the most that is taken where nothing else is set."""
ROUNDS, READINGS = 3, 9
_ROOMY = {
    **{f"quota_{name}": -1 for name in ("ports", "containers", "memory", "cpu", "disk", "security_groups")},
    **{f"{name}_allocation_ratio": 1000 for name in ("cpu", "ram")},
}
Template = dict[str, Any]


def engine(directory: Path) -> list[Figure]:
    """Stacks of resources that need nobody: made, nested, removed; a large template read."""
    with clouds.running(directory / "stacks", PORT, engine="fake") as cloud:
        tenant = _Tenant(cloud)
        made: dict[int, float] = {}
        removed: dict[int, float] = {}
        for step in STEPS:
            rounds = [tenant.round(f"many-{step}-{at}", many(step)) for at in range(ROUNDS)]
            made[step] = median(first for first, _ in rounds)
            removed[step] = median(last for _, last in rounds)
        nested = median(tenant.round(f"nested-{at}", *matryoshka(DEPTH))[0] for at in range(ROUNDS))
        readings = _readings(tenant)
    first, *_, last = STEPS
    return [
        *(Figure(f"stack of {step:,} resources to complete", made[step], "s") for step in STEPS[:-1]),
        Figure(f"stack of {last:,} resources to complete", made[last], "s", at_most=5),
        Figure(f"a resource of {last:,} / of {first}", made[last] / last / (made[first] / first), "x", at_most=1.2),
        Figure(f"stack of {last:,} resources removed", removed[last], "s"),
        Figure(f"stack nested {DEPTH} deep to complete", nested * 1000, "ms"),
        *readings,
    ]


def _readings(tenant: _Tenant) -> list[Figure]:
    figures = []
    for form, text in (("JSON", large()), ("YAML", as_yaml(json.loads(large())))):
        for name, path, body in (
            ("validate", "/validate", {"template": text}),
            ("preview", "/stacks/preview", {"template": text, "stack_name": "large"}),
        ):
            seconds = median(_timed(tenant, path, body) for _ in range(READINGS))
            figures.append(Figure(f"{name} of {len(text) >> 10} KiB of {form}", seconds * 1000, "ms", at_most=300))
    return figures


def _timed(tenant: _Tenant, path: str, body: Any) -> float:
    started = time.perf_counter()
    tenant.ask("POST", path, body)
    return time.perf_counter() - started


def containers(directory: Path, engine_socket: Path, image: str) -> list[Figure]:
    """A hundred real containers from the order until all run, by a group of a stack and by the container API, in turn."""
    options = {"external_cidr": "172.29.24.0/24", **_ROOMY}
    with clouds.running(
        directory / "groups", PORT + 1, engine="docker", engine_socket=engine_socket, **options
    ) as cloud:
        tenant = _Tenant(cloud)
        network = clouds.network(cloud, "10.12.0.0/16")
        wish = {"image": image, "memory": 64, "cpu": 0.01}
        body = {**wish, "command": ["sleep", "1000"], "nets": [{"network": network}]}
        group = grouped({**wish, "command": "sleep 1000", "networks": [{"network": network}]})
        by_stack, by_api = [], []
        for at in range(ROUNDS):
            by_api.append(_by_api(cloud, body))
            by_stack.append(tenant.round(f"group-{at}", group)[0])
    return [
        Figure(f"{CONTAINERS} containers by the API", median(by_api), "s"),
        Figure(f"{CONTAINERS} containers by a group", median(by_stack), "s"),
        Figure(
            "by a group / by the API", median(a / b for a, b in zip(by_stack, by_api, strict=True)), "x", at_most=1.1
        ),
    ]


def _by_api(cloud: clouds.Cloud, body: Any) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        made = list(
            pool.map(lambda _: cloud.call("POST", "/container/v1/containers?run=true", body), range(CONTAINERS))
        )
    if reason := clouds.all_run(cloud):
        raise SystemExit(reason)
    seconds = time.perf_counter() - started
    for one in made:
        cloud.call("DELETE", f"/container/v1/containers/{one['uuid']}?stop=true&timeout=0")
    while cloud.call("GET", "/container/v1/containers")["containers"]:
        time.sleep(0.05)
    return seconds


class _Tenant:
    """The plain tenant, and its stacks."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud
        project = cloud.call("GET", "/identity/v3/auth/projects")["projects"][0]["id"]
        self._path = f"/orchestration/v1/{project}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self._cloud.call(method, f"{self._path}{path}", body)

    def round(self, name: str, template: Template, files: dict[str, str] | None = None) -> tuple[float, float]:
        """Seconds from the order until the stack is complete, and from the order to remove it until it is gone."""
        started = time.perf_counter()
        body = {"stack_name": name, "template": template, "files": files or {}, "timeout_mins": 10}
        made = self.ask("POST", "/stacks", body)["stack"]
        self._wait(name, "CREATE_COMPLETE")
        seconds, started = time.perf_counter() - started, time.perf_counter()
        self.ask("DELETE", f"/stacks/{name}/{made['id']}")
        self._wait(name, None)
        return seconds, time.perf_counter() - started

    def _wait(self, name: str, status: str | None) -> None:
        """Ask the list, which costs the program little, until the stack has the status; None: until it is gone."""
        while True:
            seen = [row["stack_status"] for row in self.ask("GET", f"/stacks?name={name}")["stacks"]]
            if seen == ([] if status is None else [status]):
                return
            if seen and seen[0].endswith("FAILED"):
                raise SystemExit(f"{name}: {self.ask('GET', f'/stacks?name={name}')}")
            time.sleep(0.01)


def _template(resources: dict[str, Any]) -> Template:
    return {"heat_template_version": "2021-04-16", "resources": resources}


def many(count: int) -> Template:
    """Half random strings, half values that hold one of them each."""
    resources: dict[str, Any] = {}
    for at in range(count // 2):
        resources[f"text{at}"] = {"type": "OS::Heat::RandomString", "properties": {"length": 16}}
        value = {"get_attr": [f"text{at}", "value"]}
        resources[f"value{at}"] = {"type": "OS::Heat::Value", "properties": {"value": value}}
    return _template(resources)


def matryoshka(depth: int) -> tuple[Template, dict[str, str]]:
    """A template in a template, so deep, and the files."""
    files = {f"level{depth}.yaml": json.dumps(many(2))}
    for level in range(depth - 1, 0, -1):
        files[f"level{level}.yaml"] = json.dumps(_template({"inner": {"type": f"level{level + 1}.yaml"}}))
    return _template({"inner": {"type": "level1.yaml"}}), files


def grouped(properties: dict[str, Any]) -> Template:
    member = {"type": "OS::Zun::Container", "properties": properties}
    group = {"type": "OS::Heat::ResourceGroup", "properties": {"count": CONTAINERS, "resource_def": member}}
    return _template({"group": group})


def large() -> str:
    """A template as JSON of nearly the most bytes that are taken: six hundred resources with long texts."""
    count = 600
    spare = LARGEST - len(json.dumps(_large(count, 0))) - 64
    return json.dumps(_large(count, spare // count))


def _large(count: int, length: int) -> Template:
    found = many(count)
    for at in range(count):
        name = f"{'text' if at % 2 else 'value'}{at // 2}"
        words = "word " * (length // 5) + "w" * (length % 5)
        found["resources"][name]["metadata"] = {"note": words}
    return found


def as_yaml(template: Template) -> str:
    """The same as a human would lay it out; texts are shortened until it fits."""
    import yaml

    text = yaml.safe_dump(template, width=120)
    while len(text) > LARGEST:
        for resource in template["resources"].values():
            resource["metadata"]["note"] = resource["metadata"]["note"][: -max(1, (len(text) - LARGEST) // 500)]
        text = yaml.safe_dump(template, width=120)
    return text
