"""Broken input stops where it is: the rest is built, and what was good stays, byte for byte.

Every source is broken in every way; what fails must say what was expected, what was found, where,
and what to do. With the good files back, the next build publishes the very same release.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from upath import UPath

from aina_assets.builds import Outcome
from aina_assets.contracts.errors import SourceFormatError
from aina_assets.contracts.vocabulary import AbsenceReason, AllowedUse, SourceClass
from aina_assets.location import Location, all_assets, all_models, resources
from aina_assets.sources import bls, titles
from aina_assets.sources.files import Absence, SourceFile, SourceFiles
from aina_assets.sources.tables import BlsWages
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import build_into

SAMPLE = AUTHORED / "sample"
LOCK = "sources.lock.yaml"

# -------------------------------------------------------------------- what is broken, and how


@dataclass(frozen=True)
class Target:
    """The file that stands for a dataset.

    Attributes:
        input: the declared input it feeds.
        path: where it lies below the lock.
        table: the table that is read from it.
        column: a column of it that the table needs.
        renamed: what that column is called after the publisher changed its mind.
    """

    input: str
    path: str
    table: str
    column: str
    renamed: str

    @property
    def upstream(self) -> str:
        return f"upstream/{self.input}"


DATASETS: Mapping[str, Target] = {
    "onet": Target(
        "onet_task_statements",
        "onet/db_sample_text/Task Statements.txt",
        "occupation_tasks",
        "Task ID",
        "Task Number",
    ),
    "soc": Target(
        "onet_soc_2019_to_soc_2018",
        "bls/soc/2019_to_SOC_Crosswalk.csv",
        "soc_crosswalks",
        "2018 SOC Code",
        "SOC Code",
    ),
    "economic_index": Target(
        "economic_index_job_exposure",
        "huggingface/Anthropic/EconomicIndex/labor_market_impacts/job_exposure.csv",
        "economic_index_exposure",
        "observed_exposure",
        "exposure",
    ),
    "gdpval": Target(
        "gdpval_train",
        "huggingface/openai/gdpval/data/train-00000-of-00001.parquet",
        "gdpval_tasks",
        "rubric_json",
        "rubric",
    ),
    "bls_oews": Target(
        "bls_oews_national",
        "bls/oews/national_sample_dl.xlsx",
        "bls_wages",
        "OCC_CODE",
        "CODE",
    ),
    "working_with_ai": Target(
        "working_with_ai_scores",
        "github/microsoft/working-with-ai/soc_ai_applicability_scores.csv",
        "working_with_ai_scores",
        "ai_applicability_score",
        "score",
    ),
    "gpts_are_gpts": Target(
        "gpts_tasks",
        "github/openai/GPTs-are-GPTs/full_labelset.tsv",
        "gpts_tasks",
        "gpt4_exposure",
        "gpt5_exposure",
    ),
    "titles": Target(
        "title_lists", "titles/sample_market_titles.csv", "title_rows", "title", "headline"
    ),
}

DELIMITERS = {".txt": "\t", ".tsv": "\t", ".csv": ","}

Rows = list[list[Any]]


def edit_rows(path: Path, edit: Callable[[Rows], Rows]) -> None:
    """Rewrite a file of any layout after ``edit`` of its rows, the header first."""
    if path.suffix == ".parquet":
        table = pq.ParquetFile(path).read()
        rows = [table.column_names, *([*row.values()] for row in table.to_pylist())]
        header, *body = edit(rows)
        columns = zip(*body, strict=True)
        arrays = [
            pa.array(column, table.schema.field(place).type) for place, column in enumerate(columns)
        ]
        pq.write_table(pa.Table.from_arrays(arrays, names=header), path)
    elif path.suffix == ".xlsx":
        workbook = openpyxl.load_workbook(path)
        sheet = workbook.worksheets[0]
        rows = edit([list(row) for row in sheet.iter_rows(values_only=True)])
        sheet.delete_rows(1, sheet.max_row)
        for row in rows:
            sheet.append(row)
        workbook.save(path)
    else:
        text = path.read_text(encoding="utf-8")
        quoting = {"quoting": csv.QUOTE_NONE} if path.suffix == ".txt" else {}
        layout: dict[str, Any] = {"delimiter": DELIMITERS[path.suffix], **quoting}
        rows = list(csv.reader(io.StringIO(text, newline=""), **layout))
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\n", **layout).writerows(edit(rows))
        path.write_text(buffer.getvalue(), encoding="utf-8", newline="")


def corrupt(path: Path, _: Target) -> None:
    """A run of bytes in the middle turned to others, as a bad disk does."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = b"\xff" * 64
    path.write_bytes(content)


def truncate(path: Path, _: Target) -> None:
    """The file ends in the middle of a row."""
    content = path.read_bytes()
    end = content.rfind(b"\n", 0, len(content) // 2) if path.suffix in DELIMITERS else 0
    path.write_bytes(content[: end + 8 if end else len(content) // 2])


def truncate_between_rows(path: Path, _: Target) -> None:
    """The last row is gone and nothing in the file shows it."""
    edit_rows(path, lambda rows: rows[:-1])


def rename_column(path: Path, target: Target) -> None:
    def rename(rows: Rows) -> Rows:
        return [[target.renamed if cell == target.column else cell for cell in rows[0]], *rows[1:]]

    edit_rows(path, rename)


def repeat_row(path: Path, _: Target) -> None:
    edit_rows(path, lambda rows: [*rows, rows[-1]])


def change_a_byte(path: Path, _: Target) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def outgrow_the_cap(path: Path, _: Target) -> None:
    with path.open("ab") as stream:
        stream.write(b"\n" * 1_048_576)


def remove(path: Path, _: Target) -> None:
    path.unlink()


@dataclass(frozen=True)
class Fault:
    """One way to break a file.

    Attributes:
        damage: what happens to the file.
        is_locked_anew: somebody accepted the damaged file: its hash is the pinned one.
        says: texts of the failing asset's message, by dataset; ``""`` for all others.
        also: what else fails, by dataset.
    """

    damage: Callable[[Path, Target], None]
    is_locked_anew: bool
    says: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    also: Mapping[str, set[str]] = field(default_factory=dict)

    def failing_assets(self, dataset: str) -> set[str]:
        return {failing_asset(self, DATASETS[dataset])} | self.also.get(dataset, set())

    def expected_texts(self, dataset: str) -> tuple[str, ...]:
        return self.says.get(dataset, self.says.get("", ()))


FAULTS: Mapping[str, Fault] = {
    "corrupted": Fault(
        corrupt,
        True,
        {
            "": ("UTF-8",),
            "gdpval": ("a Parquet file",),
            "bls_oews": ("an Excel workbook",),
        },
        also={"titles": {"title_intake"}},  # the door does not vouch for what is not text
    ),
    "truncated": Fault(
        truncate,
        True,
        {
            "": ("cells in every row", "misshapen"),
            "gdpval": ("a Parquet file",),
            "bls_oews": ("an Excel workbook",),
        },
    ),
    "truncated_between_rows": Fault(
        truncate_between_rows, True, {"": ("expected_figures", "row_count: expected")}
    ),
    "renamed_column": Fault(rename_column, True, {"": ("column",)}),
    "duplicated_key_row": Fault(
        repeat_row,
        True,
        {"": ("key: ", "unique: (", "2 row(s)"), "titles": ("row_count: expected",)},
    ),
    "wrong_hash": Fault(change_a_byte, False, {"": ("sha256", "pinned")}),
    "over_cap": Fault(outgrow_the_cap, False, {"": ("over the file's cap of 1048576", "byte_cap")}),
    "missing": Fault(remove, False, {"": ("the file",)}),
}


def failing_asset(fault: Fault, target: Target) -> str:
    """Where the fault shows: at the door, or in the table that is read from the file."""
    return target.table if fault.is_locked_anew else target.upstream


# ----------------------------------------------------------------------------- a world to be broken


def relock(lock: Path, paths: list[str]) -> None:
    """Accept the files at ``paths`` as they are now."""
    document = yaml.safe_load(lock.read_text(encoding="utf-8"))
    for source in document["sources"].values():
        for file in source["files"]:
            if file["path"] in paths:
                file["sha256"], file["size_bytes"] = sha256_of_file(lock.parent / file["path"])
    lock.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def tree_of(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` with the digest of its bytes, links with their target."""
    return {
        str(path.relative_to(folder)): (
            f"-> {path.readlink()}"
            if path.is_symlink()
            else hashlib.sha256(path.read_bytes()).hexdigest()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@dataclass(frozen=True)
class World:
    """A copy of the sample's files and a warehouse built from them."""

    files: Path
    home: Path

    @property
    def lock(self) -> Path:
        return self.files / LOCK

    def restore(self) -> None:
        """The files as they were."""
        shutil.rmtree(self.files)
        shutil.copytree(SAMPLE, self.files)

    def build(self, home: Path, select: str = "*") -> Outcome:
        return build_into(home, lock=self.lock, select=select)


@pytest.fixture(scope="module")
def world(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Built once; the faults happen to the files in place and to copies of the warehouse."""
    folder = tmp_path_factory.mktemp("world")
    made = World(folder / "files", folder / "home")
    shutil.copytree(SAMPLE, made.files)
    shutil.copytree(sample_home, made.home, symlinks=True)
    outcome = made.build(made.home)
    assert outcome.is_good
    assert all(name.startswith("upstream/") for name in outcome.run), "same files, other folder"
    return made


@dataclass(frozen=True)
class Broken:
    """What a build of broken files came to, and the build after they were mended."""

    name: str
    fault: Fault
    home: Path
    outcome: Outcome
    before: Mapping[str, str]
    after: Mapping[str, str]
    readable_tables: int
    mended: Outcome
    mended_release: str


@pytest.fixture(scope="module", params=FAULTS)
def broken(
    request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broken]:
    """One fault in a file of every dataset at once; each dataset's part is looked at by itself."""
    fault = FAULTS[request.param]
    home = tmp_path_factory.mktemp(request.param) / "home"
    shutil.copytree(world.home, home, symlinks=True)
    for target in DATASETS.values():
        fault.damage(world.files / target.path, target)
    if fault.is_locked_anew:
        relock(world.lock, [target.path for target in DATASETS.values()])
    before = tree_of(home)
    try:
        outcome = world.build(home)
        after = tree_of(home)
        with duckdb.connect(home / "releases" / "current" / "aina.duckdb", read_only=True) as con:
            names = [name for (name,) in con.execute("SHOW TABLES").fetchall()]
            readable = sum(
                con.execute(f'SELECT count(*) FROM "{name}"').fetchone() is not None
                for name in names
            )
    finally:
        world.restore()
    mended = world.build(home)
    document = json.loads((home / "releases" / "current" / "release.json").read_text())
    yield Broken(
        request.param,
        fault,
        home,
        outcome,
        before,
        after,
        readable,
        mended,
        document["release_id"],
    )
    shutil.rmtree(home)


@cache
def inputs_by_asset() -> Mapping[str, set[str]]:
    """Direct inputs of every asset."""
    return {
        "/".join(spec.key.path): {"/".join(dep.asset_key.path) for dep in spec.deps}
        for definition in all_assets()
        for spec in definition.specs
    }


@cache
def watching() -> frozenset[str]:
    """Assets that look at what is stored, failures included: nothing keeps them back."""
    nodes = Location(resources()).nodes()
    return frozenset(name for name, node in nodes.items() if node.is_watching)


def dependents_of(assets: set[str]) -> set[str]:
    """Everything below ``assets`` in the graph that waits for them."""
    deps = inputs_by_asset()
    reached = set(assets)
    while (
        further := {
            name for name, above in deps.items() if above & reached and name not in watching()
        }
        - reached
    ):
        reached |= further
    return reached - assets


# --------------------------------------------------------------------- what every fault must show


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_named_asset_fails_and_says_why(broken: Broken, dataset: str) -> None:
    target = DATASETS[dataset]
    asset = failing_asset(broken.fault, target)

    message = broken.outcome.failed[asset]

    for part in ("expected", "found", "What to do:", *broken.fault.expected_texts(dataset)):
        assert part in message
    if not broken.fault.is_locked_anew or broken.name in ("corrupted", "truncated"):
        assert target.path in message, "the file is named"
    assert "Traceback" not in message
    if broken.name == "renamed_column":
        assert target.column in message


def test_nothing_else_fails(broken: Broken) -> None:
    expected = [broken.fault.failing_assets(dataset) for dataset in DATASETS]

    assert set(broken.outcome.failed) == set().union(*expected)
    assert not broken.outcome.is_good


def test_every_other_branch_is_built(broken: Broken) -> None:
    failed = set(broken.outcome.failed)

    assert set(broken.outcome.blocked) == dependents_of(failed)
    built = set(broken.outcome.run) | set(broken.outcome.fresh)
    assert "occupations" in built
    assert "release" in broken.outcome.blocked
    assert built == set(inputs_by_asset()) - failed - dependents_of(failed)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_last_good_version_stays(broken: Broken, dataset: str) -> None:
    """The snapshot and the record of what failed, and of all that is made from it."""
    asset = failing_asset(broken.fault, DATASETS[dataset])

    for name in {asset} | dependents_of({asset}):
        assert broken.after[f"state/{name}.json"] == broken.before[f"state/{name}.json"]
        snapshots = {path for path in broken.before if path.startswith(f"snapshots/{name}/")}
        assert {broken.after.get(path) for path in snapshots} == {
            broken.before[path] for path in snapshots
        }
        assert {path for path in broken.after if path.startswith(f"snapshots/{name}/")} == snapshots


def test_the_old_release_stays_byte_for_byte(broken: Broken) -> None:
    def releases(tree: Mapping[str, str]) -> dict[str, str]:
        return {path: digest for path, digest in tree.items() if path.startswith("releases/")}

    assert releases(broken.after) == releases(broken.before)
    assert broken.readable_tables == len(all_models())


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_refusal_is_kept_until_it_is_mended(broken: Broken, dataset: str) -> None:
    asset = failing_asset(broken.fault, DATASETS[dataset])

    assert f"refusals/{asset}.json" in broken.after
    reached_the_gate = broken.name in ("truncated_between_rows", "duplicated_key_row")
    assert (f"quarantine/{asset}/refused.parquet" in broken.after) == reached_the_gate
    assert not (broken.home / "refusals" / f"{asset}.json").exists(), "the mended build forgot it"


def test_with_the_good_files_back_the_same_release_is_published(broken: Broken) -> None:
    assert broken.mended.is_good
    assert broken.mended_release == broken.before["releases/current"].removeprefix("-> ")
    for target in DATASETS.values():
        assert failing_asset(broken.fault, target) in broken.mended.run
    derived = {"soc_map", "task_exposure", "exposure_measures", "gdpval_task_map"}
    assert not derived & set(broken.mended.run), "the data is what it was: nothing is derived anew"


# ------------------------------------------------------------------------- files that may be absent

OPTIONAL_SELECTION = (
    'key:"upstream/bls_oews_national" or key:"upstream/bls_oews_series" or key:"bls_wages"'
    ' or key:"upstream/gdpval_train" or key:"gdpval_tasks" or key:"source_files"'
)


@pytest.fixture(scope="module")
def without_optional_files(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Outcome, Store]]:
    """A lock that requires neither wages nor GDPval; one is gone, the other over its cap."""
    home = tmp_path_factory.mktemp("optional") / "home"
    shutil.copytree(world.home, home, symlinks=True)
    document = yaml.safe_load(world.lock.read_text(encoding="utf-8"))
    document["name"] = "no_expectations"
    for dataset in ("bls_oews", "gdpval"):
        for file in document["sources"][dataset]["files"]:
            file["required"] = False
    world.lock.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    remove(world.files / DATASETS["bls_oews"].path, DATASETS["bls_oews"])
    outgrow_the_cap(world.files / DATASETS["gdpval"].path, DATASETS["gdpval"])
    try:
        outcome = world.build(home, OPTIONAL_SELECTION)
    finally:
        world.restore()
    yield outcome, Store(UPath(home))
    shutil.rmtree(home)


@pytest.mark.parametrize(
    ("table", "input_name", "reason", "says"),
    [
        ("bls_wages", "bls_oews_national", AbsenceReason.NOT_ON_DISK, "not in the cache"),
        ("bls_wages", "bls_oews_series", AbsenceReason.NOT_ON_DISK, "not in the cache"),
        ("gdpval_tasks", "gdpval_train", AbsenceReason.OVER_CAP, "cap of 1048576"),
    ],
)
def test_a_file_that_may_be_absent_is_no_rows_and_a_reason(
    without_optional_files: tuple[Outcome, Store],
    table: str,
    input_name: str,
    reason: AbsenceReason,
    says: str,
) -> None:
    outcome, store = without_optional_files

    assert outcome.is_good, outcome.failed
    assert store.read(table).num_rows == 0
    files = store.read("source_files")
    (row,) = files.filter(pc.equal(files["input"], input_name)).to_pylist()
    assert row["status"] == "absent"
    assert row["reason"] == str(reason)
    assert says in row["detail"]


# ----------------------------------------------------------------------- GDPval: no licence, kept


def table_of(home: Path, name: str) -> pa.Table:
    return Store(UPath(home)).read(name)


def test_a_source_without_licence_is_for_internal_use_only(sample_home: Path) -> None:
    ledger = {row["source"]: row for row in table_of(sample_home, "source_ledger").to_pylist()}

    assert ledger["gdpval"]["licence"] is None
    assert ledger["gdpval"]["allowed_use"] == "internal_only"
    assert ledger["gdpval"]["runtime_eligibility"] == "internal_only"


@pytest.mark.parametrize("table", ["gdpval_tasks", "gdpval_task_map", "gdpval_soc_map"])
def test_internal_use_only_travels_to_every_derived_row(sample_home: Path, table: str) -> None:
    frame = table_of(sample_home, table)

    assert frame.num_rows
    assert set(frame["allowed_use"].to_pylist()) == {"internal_only"}
    assert all("benchmark" in classes.split("+") for classes in frame["source_class"].to_pylist())


def test_internal_use_only_travels_exactly_where_gdpval_had_a_part(sample_home: Path) -> None:
    rows = table_of(sample_home, "soc_map").to_pylist()

    assert {row["has_gdpval"] for row in rows} == {True, False}
    for row in rows:
        assert (row["allowed_use"] == "internal_only") == row["has_gdpval"]
        assert ("benchmark" in row["source_class"].split("+")) == row["has_gdpval"]


# ----------------------------------------------------------------------- title lists: at the door

PEOPLE = (
    ("title", "count", "Full Name", "email", "profileURL"),
    ("Zymurgist Quorrel", "3", "Ottoline Vexwarden", "ottoline@vexwarden.example", "vx.example/ov"),
    ("Wharfinger Tindle", "1", "Peregrine Sloothe", "p.sloothe@sloothe.example", "sl.example/ps"),
)
PEOPLE_LIST = "titles/people.csv"


@pytest.fixture(scope="module")
def people_refused(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Outcome, Path]]:
    """A third list, with people in it, beside the two of the sample; in a warehouse of its own."""
    home = tmp_path_factory.mktemp("door") / "home"
    path = world.files / PEOPLE_LIST
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(PEOPLE)
    document = yaml.safe_load(world.lock.read_text(encoding="utf-8"))
    document["name"] = "no_expectations"
    document["sources"]["titles"]["files"].append(
        {"input": "title_lists", "path": PEOPLE_LIST, "byte_cap": 1_048_576}
    )
    world.lock.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    relock(world.lock, [PEOPLE_LIST])
    selection = 'key:"upstream/title_lists" or key:"title_intake" or key:"title_rows"'
    try:
        outcome = world.build(home, selection)
    finally:
        world.restore()
    yield outcome, home
    shutil.rmtree(home)


def test_a_list_of_people_is_refused_at_the_door(people_refused: tuple[Outcome, Path]) -> None:
    outcome, home = people_refused

    assert outcome.is_good, outcome.failed
    intake = {row["title_list"]: row for row in table_of(home, "title_intake").to_pylist()}
    refused = intake.pop(PEOPLE_LIST)
    assert refused["verdict"] == "refused"
    assert refused["columns_seen"] == "title, count, Full Name, email, profileURL"
    assert refused["forbidden_columns"] == "Full Name, email, profileURL"
    assert "remove the columns" in refused["detail"]
    assert {row["verdict"] for row in intake.values()} == {"accepted"}


def test_the_other_lists_are_read(people_refused: tuple[Outcome, Path], sample_home: Path) -> None:
    _, home = people_refused

    rows = table_of(home, "title_rows")

    assert rows.equals(table_of(sample_home, "title_rows"))
    assert PEOPLE_LIST not in set(rows["title_list"].to_pylist())


def test_nothing_of_a_refused_list_is_anywhere_in_the_warehouse(
    people_refused: tuple[Outcome, Path],
) -> None:
    _, home = people_refused
    texts = [cell for row in PEOPLE[1:] for cell in row if len(cell) > 1]

    looked_at = 0
    for path in home.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":  # compressed: look at what it decodes to
            content += json.dumps(pq.read_table(path).to_pylist()).encode()
        looked_at += 1
        assert not [text for text in texts if text.encode() in content], path
    assert looked_at > 3


@pytest.mark.parametrize(
    "column",
    [
        *("Full Name", "full_name", "first_name", "LastName", "name", "Names", "employee name"),
        *("email", "E-mail", "emailAddress", "phone", "Mobile Number", "telephone", "fax"),
        *("profileURL", "profile_url", "url", "LinkedIn", "GitHub", "website", "username"),
        *("company", "Company Name", "employer", "organization", "organisation"),
        *("First", "Last", "fname", "lname", "initials", "tel.", "cell", "mail", "contact info"),
        *("candidate", "employee_id", "instagram", "homepage", "org", "firm", "CV"),
        *("address", "zip", "date of birth", "DOB", "age", "gender", "photo"),
    ],
)
def test_a_column_that_names_or_reaches_a_person_is_forbidden(column: str) -> None:
    assert titles.forbidden_columns(["title", column]) == [column]


@pytest.mark.parametrize(
    "column",
    [
        *("title", "count", "source", "job_title", "page_count", "language", "seniority"),
        *("n_applications", "average", "message_count", "soc_code", "state", "usage", "image_id"),
        *("first_seen", "last_seen_on", "contact_center", "ip_law", "cell_biology", "user_count"),
    ],
)
def test_a_column_about_the_title_is_not_forbidden(column: str) -> None:
    assert titles.forbidden_columns([column]) == []


# ------------------------------------------------------------------------------ OEWS: both layouts

SERIES_HEADER = (
    "series_id                     ",
    "year",
    "period",
    "       value",
    "footnote_codes",
)


def source_of(path: Path, input_name: str) -> SourceFiles:
    file = SourceFile(
        local_path=path,
        path=path.name,
        sha256=sha256_of_file(path)[0],
        source="bls_oews",
        release="May 2024",
        source_class=SourceClass.CANONICAL,
        allowed_use=AllowedUse.OPEN,
    )
    return SourceFiles(input_name, (file,))


def absent(input_name: str) -> SourceFiles:
    reason = AbsenceReason.NOT_ON_DISK
    return SourceFiles(input_name, (), (Absence("a file", reason, "not on disk"),))


def series_id(soc: str, data_type: str, *, area: str = "N0000000", industry: str = "000000") -> str:
    return f"OEU{area}{industry}{soc}{data_type}"


def series_file(path: Path, *rows: tuple[str, str, str, str]) -> SourceFiles:
    """``(series id, year, value, footnotes)`` in the published layout: tabs, padded columns."""
    lines = ["\t".join(SERIES_HEADER)]
    lines += [
        "\t".join((f"{key:<30}", year, "A01", f"{value:>12}", notes))
        for key, year, value, notes in rows
    ]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")
    return source_of(path, "bls_oews_series")


def wages_of(national: SourceFiles, series: SourceFiles) -> list[dict[str, Any]]:
    frame = bls.bls_wages(national, series)
    assert not [finding for finding in judge(frame, BlsWages) if not finding.passed]
    return list(frame.to_pylist())


def test_with_neither_file_there_are_no_wages() -> None:
    assert wages_of(absent("bls_oews_national"), absent("bls_oews_series")) == []


def test_the_series_file_gives_one_row_an_occupation(tmp_path: Path) -> None:
    series = series_file(
        tmp_path / "oe.data.0.Current",
        (series_id("151252", "01"), "2024", "1654440", ""),
        (series_id("151252", "03"), "2024", "69.50", ""),
        (series_id("151252", "04"), "2024", "144570", ""),
        (series_id("151252", "13"), "2024", "133080", ""),
        (series_id("291242", "01"), "2024", "-", "8"),
        (series_id("291242", "15"), "2024", "239200", "5"),
    )

    rows = {row["soc_code"]: row for row in wages_of(absent("bls_oews_national"), series)}

    assert set(rows) == {"15-1252", "29-1242"}
    developer = rows["15-1252"]
    assert developer["employment"] == 1_654_440
    assert developer["hourly_mean_usd"] == 69.5
    assert developer["annual_mean_usd"] == 144_570
    assert developer["annual_median_usd"] == 133_080
    assert developer["annual_p10_usd"] is None
    assert developer["occupation_level"] == "unstated"
    assert developer["title"] is None
    assert developer["reference_period"] == "A01 2024"
    assert developer["top_coded"] == ""
    assert developer["source_row"] == 1
    surgeon = rows["29-1242"]
    assert surgeon["employment"] is None
    assert surgeon["annual_p90_usd"] == 239_200
    assert surgeon["top_coded"] == "annual_p90_usd"


def test_only_the_latest_year_counts(tmp_path: Path) -> None:
    series = series_file(
        tmp_path / "oe.data.0.Current",
        (series_id("151252", "01"), "2023", "1", ""),
        (series_id("111011", "01"), "2023", "2", ""),
        (series_id("151252", "01"), "2024", "3", ""),
    )

    (row,) = wages_of(absent("bls_oews_national"), series)

    assert (row["soc_code"], row["employment"]) == ("15-1252", 3)


def test_only_the_nation_and_all_industries_count(tmp_path: Path) -> None:
    series = series_file(
        tmp_path / "oe.data.0.Current",
        (series_id("151252", "01", area="S0100000"), "2025", "1", ""),
        (series_id("151252", "01", area="M0010180"), "2025", "2", ""),
        (series_id("151252", "01", industry="541500"), "2025", "3", ""),
        (series_id("151252", "01"), "2024", "4", ""),
        (series_id("151252", "16"), "2024", "5", ""),
    )

    (row,) = wages_of(absent("bls_oews_national"), series)

    assert (row["employment"], row["reference_period"]) == (4, "A01 2024")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("OEUN00000000000001512520", "2024", "1", ""), "OEUN00000000000001512520"),
        (("CUUR0000SA0", "2024", "1", ""), "CUUR0000SA0"),
        ((series_id("151252", "01"), "2024", "many", ""), "many"),
    ],
)
def test_a_row_out_of_layout_is_refused(
    tmp_path: Path, row: tuple[str, str, str, str], found: str
) -> None:
    series = series_file(
        tmp_path / "oe.data.0.Current", (series_id("111011", "01"), "2024", "1", ""), row
    )

    with pytest.raises(SourceFormatError, match="data row 2") as caught:
        bls.bls_wages(absent("bls_oews_national"), series)

    assert found in caught.value.found
    assert caught.value.remedy


def test_one_series_twice_in_a_year_is_refused(tmp_path: Path) -> None:
    row = (series_id("151252", "01"), "2024", "1", "")
    series = series_file(tmp_path / "oe.data.0.Current", row, row)

    with pytest.raises(SourceFormatError, match="one value per series and year"):
        bls.bls_wages(absent("bls_oews_national"), series)


def test_a_series_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "oe.data.0.Current"
    path.write_text("series_id\tyear\tvalue\nx\t2024\t1\n", encoding="utf-8")

    with pytest.raises(SourceFormatError, match="period") as caught:
        bls.bls_wages(absent("bls_oews_national"), source_of(path, "bls_oews_series"))

    assert "footnote_codes" in caught.value.found


WORKBOOK_COLUMNS = (
    *("AREA", "I_GROUP", "OCC_CODE", "OCC_TITLE", "O_GROUP", "TOT_EMP", "EMP_PRSE"),
    *("H_MEAN", "A_MEAN", "MEAN_PRSE", "H_PCT10", "H_PCT25", "H_MEDIAN", "H_PCT75", "H_PCT90"),
    *("A_PCT10", "A_PCT25", "A_MEDIAN", "A_PCT75", "A_PCT90"),
)


def workbook_file(path: Path, *rows: Mapping[str, Any]) -> SourceFiles:
    """A national workbook; columns not named in a row hold a plain figure."""
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(WORKBOOK_COLUMNS)
    for row in rows:
        plain = {
            "AREA": "99",
            "I_GROUP": "cross-industry",
            "OCC_CODE": "15-1252",
            "OCC_TITLE": "Software Developers",
            "O_GROUP": "detailed",
        }
        sheet.append([{**plain, **row}.get(name, 10) for name in WORKBOOK_COLUMNS])
    workbook.save(path)
    return source_of(path, "bls_oews_national")


def test_the_workbooks_markers_are_nulls_or_lower_bounds(tmp_path: Path) -> None:
    national = workbook_file(
        tmp_path / "national.xlsx",
        {
            "TOT_EMP": "**",
            "EMP_PRSE": "**",
            "H_MEAN": "*",
            "A_MEAN": "*",
            "H_PCT10": "~",
            "H_PCT90": "#",
            "A_PCT90": "#",
            "A_MEDIAN": "1,234",
        },
    )

    (row,) = wages_of(national, absent("bls_oews_series"))

    assert row["employment"] is None
    assert row["employment_prse_pct"] is None
    assert row["hourly_mean_usd"] is None
    assert row["annual_mean_usd"] is None
    assert row["hourly_p10_usd"] is None
    assert row["hourly_p90_usd"] == 115.0
    assert row["annual_p90_usd"] == 239_200.0
    assert row["top_coded"] == "hourly_p90_usd,annual_p90_usd"
    assert row["annual_median_usd"] == 1_234.0
    assert row["reference_period"] == "May 2024"


def test_only_cross_industry_rows_of_the_workbook_count(tmp_path: Path) -> None:
    national = workbook_file(
        tmp_path / "national.xlsx",
        {"I_GROUP": "4-digit", "TOT_EMP": 1},
        {"OCC_CODE": "11-1011", "TOT_EMP": 2},
    )

    (row,) = wages_of(national, absent("bls_oews_series"))

    assert (row["soc_code"], row["employment"], row["source_row"]) == ("11-1011", 2, 2)


def test_a_cell_that_is_no_number_and_no_marker_is_refused(tmp_path: Path) -> None:
    national = workbook_file(tmp_path / "national.xlsx", {}, {"A_MEAN": "n/a"})

    with pytest.raises(SourceFormatError, match="data row 2") as caught:
        bls.bls_wages(national, absent("bls_oews_series"))

    assert "annual_mean_usd" in caught.value.expected
    assert "'n/a'" in caught.value.found


def test_the_workbook_wins_over_the_series_file(tmp_path: Path) -> None:
    national = workbook_file(tmp_path / "national.xlsx", {"TOT_EMP": 7})
    series = series_file(tmp_path / "oe", (series_id("111011", "01"), "2024", "1", ""))

    (row,) = wages_of(national, series)

    assert (row["soc_code"], row["employment"]) == ("15-1252", 7)
