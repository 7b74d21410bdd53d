"""What the command line prints of a trace: a tree that reads well on 100 columns.

Belongs here: turning traces into rich renderables. Stays out: finding anything (``lineage``).
A row or file that several branches lead to is described once, where the tree comes to it first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from aina_assets.learner.replay import LearnerState
from aina_assets.warehouse.lineage import Trace, TracedField, TracedFile, TracedRow

VALUE_WIDTH = 48
VERSION_WIDTH = 12
_SAID_BY_FILE = ("source_row", "source_class", "allowed_use")
_ABOVE = "  (above)"


def trace_tree(trace: Trace) -> Tree:
    """``trace`` as a tree: table, key and values; parents indented; files at the leaves."""
    return _Rendering(trace).tree


def explained_title(explained: Mapping[str, Any]) -> Group:
    """A title's account (``titles.explain``) as a few small tables, the answer first."""
    result = explained["result"]
    answer = Table(show_header=False, box=None, pad_edge=False)
    answer.add_column(style="dim")
    answer.add_column()
    code = result["code"]
    served = f"{code} {explained['code_title']} ({result['code_level']})" if code else "-"
    for label, value in (
        ("title", explained["title"]),
        ("service tier", result["service_tier"]),
        (
            "served as",
            served,
        ),
        ("fallback tier", result["fallback_tier"]),
        ("confidence", f"{result['confidence']:.3f}" if code else "-"),
        ("role family", result["role_family"] or "-"),
        ("reasons", ", ".join(result["reasons"])),
        ("today", result["safe_today"]),
        ("question", result["question"]),
    ):
        if value is not None:
            answer.add_row(label, Text(str(value)))
    parts: list[Any] = [answer, ""]
    parts.append(
        _rows(
            "how it is read",
            ("rule", "what", "leaves"),
            [(step["rule"], step["what"], step["after"]) for step in explained["reading"]],
        )
    )
    parts.append(
        _rows("keys", ("rung", "key"), [(k, v) for k, v in explained["keys"].items() if v])
    )
    parts.append(
        _rows(
            "known titles",
            ("rung", "occupations it names"),
            [
                (
                    known["rung"],
                    "; ".join(f"{item['code']} {item['title']}" for item in known["codes"])
                    + (f"; {known['code_count']} in all" if known["code_count"] > 5 else ""),
                )
                for known in explained["known"]
            ],
        )
    )
    parts.append(
        _rows(
            "evidence and bars",
            ("rung", "level", "score", "served from", "precision there"),
            [
                (
                    bar["rung"],
                    bar["level"],
                    *map(_figure, (bar["score"], bar["min_score"])),
                    _figure(bar["precision"]),
                )
                for bar in explained["bars"]
            ],
        )
    )
    parts.append(
        _rows(
            "candidates",
            ("code", "occupation", "confidence"),
            [
                (item["code"], item["title"], _figure(item["confidence"]))
                for item in result["candidates"]
            ],
        )
    )
    return Group(*parts)


def learner_state(state: LearnerState) -> Group:
    """A learner's state: where they stand, and each module with what is known of it."""
    head = Table(show_header=False, box=None, pad_edge=False)
    head.add_column(style="dim")
    head.add_column()
    profile = state.profile
    for label, value in (
        ("learner", state.learner_id),
        ("events", f"{state.event_count}, the last at position {state.last_position}"),
        ("title", profile.role_title if profile is not None else "-"),
        ("goals", ", ".join(profile.goals) if profile is not None else "-"),
        ("confidence", str(profile.confidence) if profile is not None else "-"),
        ("last plan", state.last_decision_id or "-"),
    ):
        head.add_row(label, Text(value))
    seen = {*state.exposures, *state.attempts, *state.evaluations, *state.mastered}
    rows = []
    for name in sorted(seen):
        evaluation = state.evaluations.get(name)
        proof = state.mastered.get(name)
        rows.append(
            (
                name,
                str(state.exposures.get(name, 0)),
                str(state.attempts.get(name, 0)),
                str(evaluation.outcome) if evaluation is not None else "-",
                f"by event at position {proof.position}" if proof is not None else "no",
                "yes" if name in state.answers_shown else "no",
            )
        )
    columns = ("module", "shown", "handed in", "last outcome", "mastered", "answer shown")
    return Group(head, "", _rows("modules", columns, rows))


def _rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def _figure(value: float | None) -> str:
    return "never" if value is None else f"{value:.3f}"


class _Rendering:
    """One tree, and what it has described so far."""

    def __init__(self, trace: Trace) -> None:
        self.seen: set[tuple[str, str]] = set()
        label = Text(trace.table, style="bold cyan")
        for name, text in (
            ("data version", trace.data_version),
            ("code version", trace.code_version),
            ("snapshot", (trace.snapshot or "-").replace(trace.data_version, "<data version>")),
            ("sha256", trace.snapshot_sha256 or "-"),
        ):
            _line(label, f"{name:<12}", text)
        _flag(label, trace)
        self.tree = Tree(label, guide_style="dim")
        for row in trace.rows:
            branch = self.tree.add(_full_row(row))
            self._parents(branch, row)
            for file in row.files:
                branch.add(self._file(file, has_row=True))
        _rest(self.tree, trace)
        if not any(row.parents or row.files for row in trace.rows):
            _add_inputs(self.tree, trace)

    def _parents(self, branch: Tree, row: TracedRow) -> None:
        for parent in row.parents:
            self._trace(branch, parent)

    def _trace(self, branch: Tree, trace: Trace) -> None:
        label = Text(trace.table, style="bold cyan")
        label.append(f"@{trace.data_version[:VERSION_WIDTH]}", style="dim")
        count = f"{trace.row_count:,} row{'' if trace.row_count == 1 else 's'}"
        label.append(f"  {count if trace.row_count else 'no row'}, ", style="default")
        label.append(trace.matched, style="dim")
        _flag(label, trace)
        node = branch.add(label)
        fresh = [row for row in trace.rows if (trace.table, row.key) not in self.seen]
        files = {file.path: file for row in fresh for file in row.files}
        if len(trace.rows) == 1 and len(files) < 2:
            [row] = trace.rows
            label.append("\n")
            label.append_text(self._short_row(trace, row, node, says_file=False))
        else:
            for row in trace.rows:
                leaf = node.add("")
                leaf.label = self._short_row(trace, row, leaf, says_file=len(files) > 1)
        _rest(node, trace)
        for file in files.values():
            node.add(self._file(file, has_row=False))
        if trace.is_whole_table:
            _add_inputs(node, trace)

    def _short_row(self, trace: Trace, row: TracedRow, node: Tree, *, says_file: bool) -> Text:
        """The row in short; what it came from goes below ``node`` unless it is there already."""
        label = Text(_cut(row.key), style="green")
        for file in row.files:
            if file.source_row is not None:
                name = f" of {file.path}" if says_file else ""
                label.append(f"  row {file.source_row:,}{name}", style="magenta")
        if (trace.table, row.key) in self.seen:
            return label.append(_ABOVE, style="dim")
        self.seen.add((trace.table, row.key))
        for field in row.fields:
            is_said = field.name in (*trace.key_columns, *_SAID_BY_FILE)
            if field.value is not None and not is_said:
                label.append(f"  {field.name} ", style="dim")
                label.append(_value(field), style="default")
        self._parents(node, row)
        return label

    def _file(self, file: TracedFile, *, has_row: bool) -> Text:
        label = Text(file.path or f"no file for {file.input}", style="bold magenta")
        if has_row and file.source_row is not None:
            label.append(f"  row {file.source_row:,}", style="default")
        if file.is_other_version:
            label.append("\nmade from another version of this input", style="yellow")
        if (file.input, file.path) in self.seen:
            return label.append(_ABOVE, style="dim")
        self.seen.add((file.input, file.path))
        size = None if file.size_bytes is None else f"{file.size_bytes:,} bytes"
        lines = {"sha256": file.sha256, "file": _joined(file.status, size, file.detail)}
        if file.source is not None:
            lines["release"] = _joined(file.source, file.release, file.publisher)
            lines["use"] = _joined(file.source_class, file.allowed_use)
            if file.note is None:
                lines["licence"] = file.licence or "none declared"
                lines["url"] = file.licence_url
                lines["pin"] = file.pin
        for name, text in lines.items():
            if text:
                _line(label, f"{name:<7}", text)
        if file.note:
            label.append(f"\n{file.note}", style="yellow")
        return label


def _full_row(row: TracedRow) -> Group:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for field in row.fields:
        grid.add_row(
            Text(field.name, style="dim"),
            Text(_value(field)),
            Text(f"from {', '.join(field.sources)}" if field.sources else "", style="dim"),
        )
    return Group(Text(row.key, style="bold green"), grid)


def _add_inputs(node: Tree, trace: Trace) -> None:
    inputs = node.add(Text("made from the whole of", style="dim"))
    for item in trace.inputs:
        line = Text(item.asset, style="bold cyan")
        line.append(f"@{item.data_version[:VERSION_WIDTH]}", style="dim")
        if not item.is_current:
            line.append("  another version is current now", style="yellow")
        inputs.add(line)


def _rest(node: Tree, trace: Trace) -> None:
    rest = trace.row_count - len(trace.rows)
    if trace.rows and rest:
        node.add(Text(f"and {rest:,} more", style="dim"))


def _flag(label: Text, trace: Trace) -> None:
    if trace.is_other_version:
        label.append("\nmade from another version of this table than these rows", style="yellow")
    if trace.is_refused:
        label.append("\nthe latest rebuild failed: this is the last good version", style="yellow")


def _line(label: Text, name: str, text: str) -> None:
    label.append(f"\n{name} ", style="dim")
    label.append(text, style="default")


def _value(field: TracedField) -> str:
    return "-" if field.value is None else _cut(str(field.value))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= VALUE_WIDTH else f"{line[: VALUE_WIDTH - 1]}…"


def _joined(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)
