"""A small real pipeline, and a driver that stops it at any of its write points.

Three tables, a receipt, a manifest and a release, through the same store, gate,
planner, receipts and publisher as the real graph, without Dagster: one build takes milliseconds.

A write point is every mutation of the file system: opening a file for writing, writing to it (half
of the bytes, then the end), fsync, rename, mkdir, unlink, rmdir, symlink, and every statement that
writes the release's database. The functions of ``os``, ``io`` and ``duckdb`` are replaced in a
forked child; production code has no hook.

Run as ``python -m aina_assets_tests.crash.toy FOLDER``: reads jobs from standard input as JSON
lines, answers each with a JSON line. The parent process forks and never starts a thread.
"""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import errno
import importlib
import io
import json
import os
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

import duckdb
import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc
from upath import UPath

from aina_assets.release import publish as publishing
from aina_assets.release.contents import manifest
from aina_assets.release.publish import is_served, publish
from aina_assets.release.tables import Manifest
from aina_assets.warehouse.build_lock import exclusive_writer
from aina_assets.warehouse.digests import digest_of_json, digest_of_table, sha256_of_file
from aina_assets.warehouse.files import TEMPORARY_PREFIX
from aina_assets.warehouse.gate import Finding, conform, judge
from aina_assets.warehouse.plan import Node, in_order, next_wave
from aina_assets.warehouse.receipts import (
    ReceiptSpec,
    read_receipt,
    receipt_of,
    tables_behind_receipts,
    write_receipt,
)
from aina_assets.warehouse.store import Record, Store, finding_fields
from aina_assets.warehouse.tables import Table, table_name

RELEASE = "release"
GATE = "toy_intake_v1"
KILLED = 9


class ToyWords(Table, key=("word_id",)):
    """Words of one generation."""

    word_id: int = pap.Field(ge=0, description="Number of the word.")
    text: str = pap.Field(description="The word.")


class ToyLengths(Table, key=("word_id",)):
    """How long each word is."""

    word_id: int = pap.Field(ge=0, description="Number of the word.")
    length: int = pap.Field(le=40, description="Letters.")
    size: str = pap.Field(isin=["short", "long"], description="Short up to six letters.")


class ToySizes(Table, key=("size",)):
    """Words of each size."""

    size: str = pap.Field(description="Short or long.")
    count: int = pap.Field(ge=0, description="Words.")


MODELS: dict[str, type[Table]] = {
    table_name(model): model for model in (ToyWords, ToyLengths, ToySizes, Manifest)
}
TABLES = ("toy_words", "toy_lengths", "toy_sizes")

# Generation 2 changes every table; generation 3 has a word that the gate refuses.
WORDS = {
    1: [f"word{number}" for number in range(40)],
    2: [f"word{number}" * (1 + number % 3) for number in range(40)],
    3: ["far too long a word " * 4],
}


def nodes_of(store: Store, generation: int) -> dict[str, Node]:
    """The graph; words have the generation in their settings, as files have their digests."""
    behind = tables_behind_receipts(store, [GATE])
    deps = {
        "toy_words": (),
        "toy_lengths": ("toy_words",),
        "toy_sizes": ("toy_lengths",),
        "manifest": TABLES,
        RELEASE: (*TABLES, "manifest"),
    }
    settings = {"toy_words": str(generation)}
    settings |= dict.fromkeys(behind, "its receipt is about another version")
    if not is_served(store, RELEASE):
        settings[RELEASE] = "not published"
    return {name: Node(name, above, "1", settings.get(name, "")) for name, above in deps.items()}


def computed(store: Store, name: str, generation: int, records: list[Record]) -> pa.Table:
    """The rows of table ``name``."""
    if name == "toy_words":
        words = WORDS[generation]
        return pa.table({"word_id": pa.array(range(len(words)), pa.int64()), "text": words})
    if name == "toy_lengths":
        words_table = store.read("toy_words")
        lengths = pc.utf8_length(words_table["text"]).cast(pa.int64())
        sizes = pc.if_else(pc.less_equal(lengths, 6), "short", "long")
        return pa.table({"word_id": words_table["word_id"], "length": lengths, "size": sizes})
    if name == "toy_sizes":
        counted = store.read("toy_lengths").group_by("size").aggregate([([], "count_all")])
        return pa.table({"size": counted["size"], "count": counted["count_all"]})
    return manifest(records)


# What the gate found about a frame: judging writes nothing, so forked children need not repeat it.
_judged: dict[tuple[str, str], list[Finding]] = {}


def judged(frame: pa.Table, name: str) -> list[Finding]:
    """The gate's findings about ``frame`` as table ``name``."""
    key = (name, digest_of_table(frame))
    if key not in _judged:
        _judged[key] = judge(frame, MODELS[name])
    return _judged[key]


def make(store: Store, node: Node, generation: int) -> bool:
    """Build one asset as a step of the real graph does; whether the gate accepted it."""
    name = node.asset
    records = [store.require(dep) for dep in node.deps]
    settings = str(generation) if name == "toy_words" else ""
    inputs = {record.asset: record.data_version for record in records}
    if name == RELEASE:
        release = publish(store, store.require("manifest"), records, MODELS)
        store.commit(Record(name, release.release_id, "1", settings, inputs))
        return True
    model = MODELS[name]
    frame = computed(store, name, generation, records)
    findings = judged(frame, name)
    if not all(finding.passed for finding in findings):
        store.refuse(name, tuple(findings), frame)
        return False
    stored = conform(frame, model)
    record = Record(name, digest_of_table(stored), "1", settings, inputs)
    if name == "toy_lengths":
        write_receipt(store, receipt_of(ReceiptSpec(GATE, counted="size"), stored, record))
    kept = tuple(finding_fields(finding) for finding in findings)
    store.commit_table(dataclasses.replace(record, findings=kept), stored)
    return True


def build(root: Path, generation: int) -> list[str]:
    """Build what is stale, in waves, as ``builds.build`` does; the assets that were tried."""
    store = Store(UPath(root))
    done: set[str] = set()
    failed: set[str] = set()
    with exclusive_writer(root):
        nodes = nodes_of(store, generation)
        while wave := next_wave(
            nodes,
            store,
            selected=nodes.keys() - done - failed,
            done=done | failed,
            failed=failed,
        ):
            for name in in_order(nodes):
                if name in wave and not failed.intersection(nodes[name].deps):
                    accepted = make(store, nodes[name], generation)
                    (done if accepted else failed).add(name)
            nodes = nodes_of(store, generation)
    return sorted(done | failed)


def state_of(root: Path) -> dict[str, Any]:
    """What a build left: versions, refusals, receipt, release, all read back and verified."""
    store = Store(UPath(root))
    records = {record.asset: record for record in store.records()}
    for record in records.values():
        if record.snapshot is not None:
            assert digest_of_table(store.open_snapshot(record)) == record.data_version
    receipt = read_receipt(store, GATE)
    refused = (root / "refusals").glob("*.json") if (root / "refusals").exists() else ()
    return {
        "versions": {name: record.data_version for name, record in records.items()},
        "inputs": {name: dict(record.inputs) for name, record in records.items()},
        "refused": sorted(path.stem for path in refused),
        "receipt": receipt.model_dump(mode="json") if receipt else None,
        "release": released(root),
    }


# Digests of the tables in a database file, by its sha256.
_opened: dict[str, dict[str, str]] = {}


def released(root: Path) -> dict[str, str] | None:
    """Digest of every table of the current release, opened as a reader does."""
    link = root / "releases" / "current"
    if not link.is_symlink():
        return None
    document = json.loads((link / "release.json").read_text(encoding="utf-8"))
    sha256 = sha256_of_file(link / "aina.duckdb")[0]
    assert document["database_sha256"] == sha256
    if sha256 not in _opened:
        _opened[sha256] = tables_in(link / "aina.duckdb", document["tables"])
    return _opened[sha256]


def tables_in(database: Path, names: Iterable[str]) -> dict[str, str]:
    """Digest of each table ``names`` in a database file."""
    with duckdb.connect(str(database), read_only=True) as con:
        return {
            name: digest_of_table(con.sql(f'SELECT * FROM "{name}"').to_arrow_table())
            for name in names
        }


# ------------------------------------------------------------------------------- write points


@dataclass
class Points:
    """Counts write points and acts at one of them.

    Attributes:
        stop_at: number of the point to act at, from 1; 0 only counts.
        act: what to do there.
        trace: every point so far: what, and on which file.
        look: called at every point with what is about to happen.
    """

    stop_at: int = 0
    act: Callable[[], None] = lambda: None
    trace: list[tuple[str, str]] = field(default_factory=list)
    look: Callable[[str], None] = lambda _what: None

    def reach(self, what: str, place: object) -> bool:
        """Count a point; act if it is the one. Returns whether it is."""
        self.trace.append((what, str(place)))
        self.look(what)
        is_it = len(self.trace) == self.stop_at
        if is_it and what != "write":
            self.act()
        return is_it


class TornFile:
    """A file opened for writing whose first write is a write point: half of it, then the end."""

    def __init__(self, stream: Any, path: object, points: Points) -> None:
        self._stream = stream
        self._path = path
        self._points = points
        self._has_written = False

    def write(self, content: Any) -> Any:
        if not self._has_written:
            self._has_written = True
            if self._points.reach("write", self._path):
                half = content[: len(content) // 2]
                self._stream.write(half)
                self._stream.flush()
                self._points.act()
        return self._stream.write(content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> TornFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


class WatchedConnection:
    """A connection to a database file whose writing statements are write points."""

    def __init__(self, con: Any, path: str, points: Points) -> None:
        self._con = con
        self._path = path
        self._points = points

    def execute(self, statement: str) -> Any:
        if statement.startswith(("CREATE", "CHECKPOINT")):
            self._points.reach("sql", self._path)
        return self._con.execute(statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)

    def __enter__(self) -> WatchedConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self._points.reach("sql", self._path)
        self._con.close()


def _is_for_writing(mode: str) -> bool:
    return any(letter in mode for letter in "wax+")


@contextlib.contextmanager
def watched(points: Points) -> Iterator[None]:
    """Every mutation of the file system is a write point of ``points``."""
    real_open, real_connect = io.open, duckdb.connect
    one_path = {name: getattr(os, name) for name in ("mkdir", "unlink", "remove", "rmdir")}
    two_paths = {name: getattr(os, name) for name in ("replace", "rename", "symlink")}

    def open_(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if not _is_for_writing(mode):
            return real_open(file, mode, *rest, **more)
        points.reach("open", file)
        return TornFile(real_open(file, mode, *rest, **more), file, points)

    def fsync(descriptor: int) -> None:
        # Counted, not done: a killed process loses nothing that the system was given.
        points.reach("fsync", Path(f"/proc/self/fd/{descriptor}").readlink())

    def connect(database: str = ":memory:", *rest: Any, **more: Any) -> Any:
        if more.get("read_only") or database == ":memory:":
            return real_connect(database, *rest, **more)
        points.reach("sql", database)
        return WatchedConnection(real_connect(database, *rest, **more), database, points)

    def on_one(name: str) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            if more.get("dir_fd") is not None or Path(path).exists() != (name == "mkdir"):
                points.reach(name, path)
            return one_path[name](path, *rest, **more)

        return call

    def on_two(name: str) -> Callable[..., Any]:
        def call(source: Any, target: Any, *rest: Any, **more: Any) -> Any:
            points.reach(name, f"{source} -> {target}")
            return two_paths[name](source, target, *rest, **more)

        return call

    replaced: list[tuple[Any, str, Any]] = [
        (io, "open", open_),
        (builtins, "open", open_),
        (os, "fsync", fsync),
        (duckdb, "connect", connect),
        *((os, name, on_one(name)) for name in one_path),
        *((os, name, on_two(name)) for name in two_paths),
    ]
    before = [(where, name, getattr(where, name)) for where, name, _ in replaced]
    for where, name, function in replaced:
        setattr(where, name, function)
    try:
        yield
    finally:
        for where, name, function in before:
            setattr(where, name, function)


def vanish() -> NoReturn:
    """End the process as a kill does: no clean-up, no buffers written."""
    os._exit(KILLED)


def fail_as_disk() -> NoReturn:
    """The error of a failing disk."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


# ------------------------------------------------------------------------------------ driver

Start = Literal["nothing", "one", "one and damaged two"]


@dataclass(frozen=True)
class Scenario:
    """A build that is disturbed, and the build that follows.

    Attributes:
        start: what is built before.
        disturbed: the generation whose build is disturbed.
        then: the generation that is built afterwards.
        kept_releases: releases that publishing keeps.
    """

    start: Start
    disturbed: int
    then: int
    kept_releases: int = 1


SCENARIOS = {
    "first": Scenario("nothing", 1, 1),
    "next": Scenario("one", 2, 2),
    "back": Scenario("one", 2, 1),
    "refused": Scenario("one", 3, 3),
    "mended": Scenario("one", 3, 2),
    "damaged": Scenario("one and damaged two", 2, 2, kept_releases=5),
}


def prepare(scenario: Scenario, home: Path) -> None:
    """The warehouse before the disturbed build."""
    home.mkdir()
    if scenario.start == "nothing":
        return
    build(home, 1)
    if scenario.start == "one and damaged two":
        build(home, 2)
        second = (home / "releases" / "current").resolve()
        build(home, 1)
        with (second / "aina.duckdb").open("r+b") as stream:
            stream.truncate(1000)


def disk_state(home: Path) -> str:
    """Digest of every name and byte below ``home``."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_symlink():
            found.append([str(path), str(path.readlink())])
        elif path.is_file():
            found.append([str(path), sha256_of_file(path)[0]])
        else:
            found.append([str(path), "folder"])
    return digest_of_json(found)


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Exit status and answer of ``work``, done in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            answer = {"value": work()}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        text = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    document = json.loads(text) if text else {}
    if "error" in document:
        raise RuntimeError(document["error"])
    return status, document.get("value")


_AUDITED = {"replace": "rename", "unlink": "remove"}
_REPORTED = {f"os.{name}": name for name in ("rename", "remove", "mkdir", "rmdir", "symlink")}


def _note(event: str, details: Any, home: Path, reported: list[tuple[str, str]]) -> None:
    """Keep an audit event that changes something below ``home``."""
    if event == "open":
        place, mode, flags = details
        is_write = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if flags else mode
        # The lock file itself is opened, never written: the lock is the operating system's.
        if is_write and str(place).startswith(f"{home}/") and not str(place).endswith("build.lock"):
            reported.append(("open", str(place)))
    elif event in _REPORTED:
        place = str(details[0])
        # A folder that is there already, or a file that is not, is no mutation.
        if event == "os.mkdir" and Path(place).exists():
            return
        if event == "os.remove" and place.startswith("/") and not Path(place).exists():
            return
        reported.append((_REPORTED[event], place))


class Driver:
    """Answers jobs in a folder of its own; keeps one prepared warehouse per scenario."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prepared: dict[str, Path] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.known: dict[str, list[Any]] = {}

    def start(self, name: str) -> Path:
        """A fresh copy of the warehouse that scenario ``name`` starts from."""
        scenario = SCENARIOS[name]
        if name not in self.prepared:
            origin = self.folder / f"origin-{name}"
            in_child(lambda: prepare(scenario, origin))
            self.prepared[name] = origin
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.prepared[name], home, symlinks=True)
        return home

    def points(self, name: str) -> dict[str, Any]:
        """The write points of the disturbed build and of an undisturbed one that follows.

        ``disturbed`` and ``then`` list what happens at each; ``telling`` and ``telling_then`` are
        the points at which the disk is as at no point before: to be killed at any other is to be
        killed at one of these. Also learns which releases may be seen and how it has to end.
        """
        scenario = SCENARIOS[name]
        home = self.start(name)
        before, opened = in_child(lambda: (released(home), _opened))[1]
        _opened.update(opened)

        def count(generation: int) -> dict[str, Any]:
            publishing.KEPT_RELEASES = scenario.kept_releases
            telling: list[int] = []
            states: set[str] = set()

            def look(what: str) -> None:
                state = disk_state(home)
                if what == "write" or state not in states:
                    telling.append(len(counted.trace))
                states.add(state)

            counted = Points(look=look)
            with watched(counted):
                build(home, generation)
            return {
                "trace": counted.trace,
                "telling": telling,
                "modules": sorted(sys.modules),
                "judged": {
                    f"{table} {digest}": [finding_fields(finding) for finding in findings]
                    for (table, digest), findings in _judged.items()
                },
            }

        disturbed = in_child(lambda: count(scenario.disturbed))[1]
        between = in_child(lambda: released(home))[1]
        home = self.start(name)
        then = in_child(lambda: count(scenario.then))[1]
        self.ends[name] = in_child(lambda: state_of(home))[1]
        self.known[name] = [before, between, self.ends[name]["release"]]
        for part in (disturbed, then):
            self._remember(part)
        return {
            "disturbed": disturbed["trace"],
            "telling": disturbed["telling"],
            "then": then["trace"],
            "telling_then": then["telling"],
        }

    def _remember(self, part: dict[str, Any]) -> None:
        """What children found out and need not find out again: findings and imported modules."""
        for name, findings in part["judged"].items():
            table, digest = name.split()
            _judged[table, digest] = [Finding(**finding) for finding in findings]
        for module in part["modules"]:
            if module not in sys.modules:
                with contextlib.suppress(Exception):
                    importlib.import_module(module)

    def check(self, name: str, home: Path) -> None:
        """What must be true at every moment: whole records, and a whole release that is known."""
        store = Store(UPath(home))
        for record in store.records():
            if record.snapshot is not None:
                store.open_snapshot(record)
        found = released(home)
        assert found in self.known[name], f"a release nobody published: {found}"

    def settle(self, name: str, home: Path) -> None:
        """The next build completes and ends where an undisturbed one does."""
        build(home, SCENARIOS[name].then)
        found = state_of(home)
        for part, expected in self.ends[name].items():
            assert found[part] == expected, (part, expected, found[part])
        left = [str(path) for path in home.rglob(f"{TEMPORARY_PREFIX}*")]
        # A damaged release is put aside by the build that replaces it, removed by the next.
        assert all("damaged" in path for path in left), left
        if left:
            build(home, SCENARIOS[name].then)
            assert not list(home.rglob(f"{TEMPORARY_PREFIX}*"))

    def kill(self, name: str, first: int, second: int = 0) -> dict[str, Any]:
        """Kill the build at point ``first``, its recovery at point ``second``, then recover."""
        scenario = SCENARIOS[name]
        home = self.start(name)

        def disturbed() -> None:
            publishing.KEPT_RELEASES = scenario.kept_releases
            with watched(Points(first, vanish)):
                build(home, scenario.disturbed)

        def recovery() -> None:
            publishing.KEPT_RELEASES = scenario.kept_releases
            self.check(name, home)
            with watched(Points(second, vanish)):
                build(home, scenario.then)

        def last() -> None:
            publishing.KEPT_RELEASES = scenario.kept_releases
            self.check(name, home)
            self.settle(name, home)

        runs = [disturbed, recovery] if second else [disturbed]
        statuses = [in_child(run)[0] for run in runs]
        in_child(last)
        return {"killed": [status == KILLED for status in statuses]}

    def break_disk(self, name: str, at: int) -> dict[str, Any]:
        """Let write point ``at`` fail with EIO; the same process goes on."""
        scenario = SCENARIOS[name]
        home = self.start(name)

        def run() -> str:
            publishing.KEPT_RELEASES = scenario.kept_releases
            message = ""
            try:
                with watched(Points(at, fail_as_disk)):
                    build(home, scenario.disturbed)
            except OSError as error:
                message = str(error)
            self.check(name, home)
            self.settle(name, home)
            return message

        return {"message": in_child(run)[1]}

    def audit(self, name: str) -> dict[str, Any]:
        """Mutations below the warehouse that the interpreter reports and no point stands for."""
        scenario = SCENARIOS[name]
        home = self.start(name)

        def run() -> dict[str, Any]:
            publishing.KEPT_RELEASES = scenario.kept_releases
            counted = Points()
            reported: list[tuple[str, str]] = []
            with watched(counted):
                sys.addaudithook(lambda event, details: _note(event, details, home, reported))
                build(home, scenario.disturbed)
            points = Counter(_AUDITED.get(what, what) for what, _ in counted.trace)
            events = Counter(event for event, _ in reported)
            unseen = [place for event, place in reported if events[event] > points[event]]
            return {"unseen": unseen, "seen": len(reported)}

        found: dict[str, Any] = in_child(run)[1]
        return found

    def answer(self, job: dict[str, Any]) -> Any:
        """The answer to one job: what is asked for is a method of this class."""
        return getattr(self, job.pop("do"))(**job)


def main() -> None:
    """Answer jobs until there are none."""
    driver = Driver(Path(sys.argv[1]))
    driver.folder.mkdir(parents=True, exist_ok=True)
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"value": driver.answer(json.loads(line))}
        except Exception as error:
            answer = {"error": f"{error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
