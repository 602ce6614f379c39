"""Graphs of what needs what, as text and as SVG. Pure: knows nothing of stacks but the names, types and states of their
resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_LETTER, _LINE, _PADDING = 7.2, 16, 12
"""Pixels: the width of a letter of 12 pixels, the height of a line, and the space around text."""
_ACROSS, _DOWN = 24, 56
"""Pixels between boxes side by side, and between rows of boxes."""
_SWEEPS = 4
_STYLE = """\
text { font: 12px ui-monospace, monospace; fill: #1b1f24 } .type { fill: #57606a }
rect { fill: #f6f8fa; stroke: #57606a } .complete rect { fill: #dafbe1; stroke: #1a7f37 }
.progress rect { fill: #fff8c5; stroke: #9a6700 } .failed rect { fill: #ffebe9; stroke: #cf222e }
path { fill: none; stroke: #8c959f } marker path { fill: #8c959f; stroke: none }"""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing; ``needs`` are the names of those that come before it, ``state`` may be empty."""

    name: str
    type: str
    needs: frozenset[str] = frozenset()
    state: str = ""


def layers(nodes: Sequence[Node]) -> list[list[Node]]:
    """The nodes in rows, each below all that it needs; within a row near those. Names that are not there count for nothing.

    ValueError: they need each other in a circle.
    """
    there = {node.name: node for node in nodes}
    depths: dict[str, int] = {}
    waiting = list(nodes)
    while waiting:
        left = []
        for node in waiting:
            before = [depths.get(name) for name in node.needs if name in there]
            if None in before:
                left.append(node)
            else:
                depths[node.name] = max((depth for depth in before if depth is not None), default=-1) + 1
        if len(left) == len(waiting):
            raise ValueError(f"These need each other in a circle: {', '.join(node.name for node in left)}.")
        waiting = left
    found: list[list[Node]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for node in nodes:
        found[depths[node.name]].append(node)
    return _untangled(found)


def _untangled(rows: list[list[Node]]) -> list[list[Node]]:
    """Each row in the order of the middles of what its nodes are tied to, looked at from above and from below by turns."""
    dependents: dict[str, list[str]] = {}
    for row in rows:
        for node in row:
            for name in node.needs:
                dependents.setdefault(name, []).append(node.name)
    for sweep in range(_SWEEPS):
        places = {node.name: (at + 0.5) / len(row) for row in rows for at, node in enumerate(row)}
        for row in rows if sweep % 2 == 0 else reversed(rows):
            middles = {}
            for node in row:
                ties = node.needs if sweep % 2 == 0 else dependents.get(node.name, ())
                seen = [places[name] for name in ties if name in places]
                middles[node.name] = sum(seen) / len(seen) if seen else places[node.name]
            row.sort(key=lambda node: middles[node.name])
            places |= {node.name: (at + 0.5) / len(row) for at, node in enumerate(row)}
    return rows


def direct(nodes: Sequence[Node]) -> dict[str, list[str]]:
    """What each needs without what follows from its other needs anyway, in the order of names."""
    there = {node.name: node for node in nodes}
    reach: dict[str, frozenset[str]] = {}
    for row in layers(nodes):
        for node in row:
            needs = [name for name in node.needs if name in there]
            reach[node.name] = frozenset(needs).union(*(reach[name] for name in needs))
    return {
        node.name: sorted(
            name
            for name in node.needs
            if name in there and not any(name in reach[other] for other in node.needs if other in there)
        )
        for node in nodes
    }


def text(nodes: Sequence[Node]) -> str:
    """A line per node, in rows: those of one row can be made side by side."""
    needs = direct(nodes)
    width = max((len(node.name) for node in nodes), default=0)
    kinds = max((len(node.type) for node in nodes), default=0)
    lines = []
    for number, row in enumerate(layers(nodes), 1):
        for at, node in enumerate(row):
            after = f"after {', '.join(needs[node.name])}" if needs[node.name] else ""
            words = [
                f"{number if at == 0 else '':>3}",
                node.name.ljust(width),
                node.type.ljust(kinds),
                node.state,
                after,
            ]
            lines.append("  ".join(word for word in words if word).rstrip())
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a node is drawn; pixels."""

    node: Node
    left: float
    top: float
    width: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


_HEIGHT = 2 * _LINE + _PADDING


def svg(nodes: Sequence[Node], title: str) -> str:
    """The graph as a picture that stands for itself: no script, no font or style from elsewhere."""
    boxes, width, height = _placed(layers(nodes))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>',
    ]
    for name, needs in direct(nodes).items():
        lines += [_edge(boxes[other], boxes[name]) for other in needs]
    lines += [_box(box) for box in boxes.values()]
    return "\n".join([*lines, "</svg>\n"])


def _placed(rows: Sequence[Sequence[Node]]) -> tuple[Mapping[str, _Box], float, float]:
    """Every node with its box, each row in the middle, and the size of it all."""
    widths = {
        node.name: max(len(node.name), len(node.type), len(node.state)) * _LETTER + 2 * _PADDING
        for row in rows
        for node in row
    }
    totals = [sum(widths[node.name] for node in row) + _ACROSS * (len(row) - 1) for row in rows]
    whole = max(totals, default=0.0)
    boxes = {}
    for number, row in enumerate(rows):
        left, top = _ACROSS + (whole - totals[number]) / 2, _ACROSS + number * (_HEIGHT + _DOWN)
        for node in row:
            boxes[node.name] = _Box(node, left, top, widths[node.name])
            left += widths[node.name] + _ACROSS
    return boxes, whole + 2 * _ACROSS, len(rows) * (_HEIGHT + _DOWN) - _DOWN + 2 * _ACROSS


def _box(box: _Box) -> str:
    state = box.node.state.lower()
    kind = next((word for word in ("complete", "progress", "failed") if word in state), "plain")
    hint = f"<title>{escape(box.node.state)}</title>" if state else ""
    baseline = box.top + _PADDING / 2 + _LINE - 4
    words = "".join(
        f'<text x="{box.middle:.1f}" y="{baseline + at * _LINE:.1f}" text-anchor="middle"{mark}>{escape(word)}</text>'
        for at, (word, mark) in enumerate(((box.node.name, ""), (box.node.type, ' class="type"')))
    )
    return (
        f'<g class="{kind}">{hint}<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{_HEIGHT}" '
        f'rx="4"/>{words}</g>'
    )


def _edge(above: _Box, below: _Box) -> str:
    start, end = above.top + _HEIGHT, below.top
    bend = (end - start) / 2
    return (
        f'<path d="M{above.middle:.1f} {start:.1f}C{above.middle:.1f} {start + bend:.1f} {below.middle:.1f} '
        f'{end - bend:.1f} {below.middle:.1f} {end:.1f}" marker-end="url(#to)"/>'
    )
