"""The lock: what it may say, and that writing and reading it loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.contracts.errors import LockError
from aina_assets.contracts.vocabulary import AllowedUse, RuntimeEligibility, SourceClass
from aina_assets.sources import catalog
from aina_assets.sources.lockfile import SourcesLock, dump_lock, read_lock, write_lock

ROOT = Path(__file__).parents[2]
MIRROR_LOCK = ROOT / "aina_assets_tests" / "upstream_mirror.lock.yaml"
UPSTREAM_LOCK = ROOT / "data" / "upstream" / "sources.lock.yaml"

_texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
_names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
_sizes = st.integers(min_value=1, max_value=2**53)
_sha256s = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
_commits = st.from_regex(r"[0-9a-f]{40}", fullmatch=True)
_paths = st.from_regex(
    r"[a-zA-Z0-9][a-zA-Z0-9 _-]{0,6}(/[a-zA-Z0-9 ._-]{0,5}[a-z]){0,2}", fullmatch=True
)
_repositories = st.sampled_from(["Anthropic/EconomicIndex", "a/b-c.d", "0/1"])
_urls = st.sampled_from(["https://example.org/dl", "http://127.0.0.1:8000/x?y=z&w=%20"])

_origins = st.one_of(
    st.just({"kind": "local"}),
    st.fixed_dictionaries({"kind": st.just("url"), "base_url": _urls}),
    st.fixed_dictionaries(
        {"kind": st.just("archive"), "url": _urls, "byte_cap": _sizes},
        optional={"sha256": _sha256s},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("huggingface"), "repository": _repositories, "revision": _commits}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("github"), "repository": _repositories, "revision": _commits},
        optional={"base_url": _urls},
    ),
)
_files = st.fixed_dictionaries(
    {"input": _names, "path": _paths, "byte_cap": _sizes},
    optional={
        "remote_path": _paths,
        "sha256": _sha256s,
        "size_bytes": st.integers(min_value=0, max_value=2**53),
        "compression": st.just("gzip"),
        "required": st.booleans(),
    },
)
_licences = st.one_of(
    st.fixed_dictionaries(
        {
            "licence": _texts,
            "licence_url": st.none() | _texts,
            "allowed_use": st.sampled_from(list(AllowedUse)),
            "runtime_eligibility": st.sampled_from(list(RuntimeEligibility)),
        }
    ),
    st.just(
        {
            "licence": None,
            "licence_url": None,
            "allowed_use": AllowedUse.INTERNAL_ONLY,
            "runtime_eligibility": RuntimeEligibility.NOT_ELIGIBLE,
        }
    ),
)


@st.composite
def locks(draw: st.DrawFn) -> SourcesLock:
    """Any valid lock."""
    files = draw(st.lists(_files, max_size=6, unique_by=lambda file: str(file["path"])))
    sources: dict[str, Any] = {}
    for name in draw(st.lists(_names, max_size=3, unique=True)):
        share, files = files[:2], files[2:]
        sources[name] = {
            **{key: draw(_texts) for key in ("title", "publisher", "owner", "release")},
            **draw(_licences),
            **draw(st.fixed_dictionaries({}, optional={"attribution": _texts, "note": _texts})),
            "source_class": draw(st.sampled_from(list(SourceClass))),
            "origin": draw(_origins),
            "byte_cap": draw(_sizes),
            "files": share,
        }
    return SourcesLock.model_validate(
        {"name": draw(_names), "note": draw(st.none() | _texts), "sources": sources}
    )


@settings(max_examples=25)
@given(lock=locks())
def test_a_lock_survives_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, lock: SourcesLock
) -> None:
    path = tmp_path_factory.getbasetemp() / "sources.lock.yaml"
    write_lock(lock, path)
    assert read_lock(path) == lock


def test_the_comment_on_top_of_a_lock_stays(tmp_path: Path) -> None:
    path = tmp_path / "sources.lock.yaml"
    path.write_text("# What this is\n#\n# and: why\nname: old\n# not on top\n", encoding="utf-8")
    lock = SourcesLock.model_validate(valid())
    write_lock(lock, path)
    assert path.read_text(encoding="utf-8") == "# What this is\n#\n# and: why\n" + dump_lock(lock)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_defaults_are_left_out_and_keys_stay_in_schema_order(tmp_path: Path) -> None:
    document = yaml.safe_load(dump_lock(SourcesLock.model_validate(valid())))
    assert list(document) == ["version", "name", "sources"]
    assert document["sources"]["world"]["origin"] == {"kind": "local"}
    assert list(document["sources"]["world"]["files"][0]) == ["input", "path", "byte_cap"]


# What a lock may not say


def valid() -> dict[str, Any]:
    return {
        "name": "world",
        "sources": {
            "world": {
                "title": "World",
                "publisher": "Acme",
                "owner": "data",
                "release": "1",
                "source_class": "research",
                "licence": "MIT",
                "licence_url": None,
                "allowed_use": "open",
                "runtime_eligibility": "eligible",
                "origin": {"kind": "local"},
                "byte_cap": 100,
                "files": [{"input": "wages", "path": "a/wages.csv", "byte_cap": 10}],
            }
        },
    }


def refused(tmp_path: Path, document: object) -> LockError:
    path = tmp_path / "sources.lock.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert str(path) in caught.value.where
    assert caught.value.remedy
    return caught.value


HUB = {"kind": "huggingface", "repository": "openai/gdpval", "revision": "1" * 40}


@pytest.mark.parametrize("folder", ["reference_files", "deliverable_files"])
@pytest.mark.parametrize("form", ["{}/a.pdf", "./{}/a.pdf", "{}//a.pdf", "data/{}/a.pdf"])
def test_attachments_of_a_hub_dataset_can_never_be_named(
    tmp_path: Path, folder: str, form: str
) -> None:
    named = form.format(folder)
    for file in ({"path": named}, {"path": "x.pdf", "remote_path": named}):
        document = valid()
        document["sources"]["world"]["origin"] = HUB
        document["sources"]["world"]["files"] = [{"input": "gdpval", "byte_cap": 10, **file}]
        assert "never downloaded" in refused(tmp_path, document).found


def test_the_same_folder_names_are_free_elsewhere() -> None:
    document = valid()
    document["sources"]["world"]["files"][0]["path"] = "reference_files/a.csv"
    SourcesLock.model_validate(document)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("path", "/etc/passwd", "below the cache root"),
        ("path", "../a.csv", "below the cache root"),
        ("path", "a/../../b.csv", "below the cache root"),
        ("path", "", "below the cache root"),
        ("path", ".huggingface/a.csv", "hidden"),
        ("path", ".aina-manifest.json", "hidden"),
        ("remote_path", "../../evil.txt", "below its origin"),
        ("remote_path", "/etc/passwd", "below its origin"),
        ("remote_path", "..\\evil.txt", "below its origin"),
        ("sha256", "A" * 64, "pattern"),
        ("sha256", "a" * 63, "pattern"),
        ("byte_cap", 0, "greater than 0"),
        ("size_bytes", -1, "greater than or equal to 0"),
        ("input", "Wages", "pattern"),
        ("compression", "zip", "gzip"),
        ("surprise", 1, "Extra inputs"),
    ],
)
def test_a_file_entry_that_is_refused(tmp_path: Path, field: str, value: object, said: str) -> None:
    document = valid()
    document["sources"]["world"]["files"][0][field] = value
    assert said in refused(tmp_path, document).found


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ({"kind": "url", "base_url": "file:///etc"}, "pattern"),
        ({"kind": "url"}, "required"),
        ({"kind": "archive", "url": "ftp://x/y.zip", "byte_cap": 1}, "pattern"),
        ({**HUB, "revision": "main"}, "pattern"),
        ({**HUB, "repository": "../x"}, "pattern"),
        ({"kind": "carrier_pigeon"}, "carrier_pigeon"),
    ],
)
def test_an_origin_that_is_refused(tmp_path: Path, origin: dict[str, Any], said: str) -> None:
    document = valid()
    document["sources"]["world"]["origin"] = origin
    assert said in refused(tmp_path, document).found


def test_no_licence_no_way_out(tmp_path: Path) -> None:
    document = valid()
    document["sources"]["world"]["licence"] = None
    assert "no licence" in refused(tmp_path, document).found


def test_a_path_named_twice(tmp_path: Path) -> None:
    document = valid()
    document["sources"]["again"] = document["sources"]["world"]
    assert "named twice" in refused(tmp_path, document).found


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "\x00"])
def test_what_is_no_lock_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LockError):
        read_lock(path)
    with pytest.raises(LockError):
        read_lock(tmp_path / "missing.yaml")


# The locks of this project


@pytest.mark.parametrize("path", [MIRROR_LOCK, UPSTREAM_LOCK], ids=["mirror", "upstream"])
def test_the_locks_name_every_declared_input_and_nothing_else(path: Path) -> None:
    lock = read_lock(path)
    # Of these nobody has real ones to publish: the sample's are made up.
    of_the_sample = {"graded_submissions", "recorded_decisions"} | {
        declared.name for declared in catalog.INPUTS if declared.source.startswith("authoring_")
    }
    named = {file.input for source in lock.sources.values() for file in source.files}
    assert named == catalog.BY_NAME.keys() - of_the_sample
    for name, source in lock.sources.items():
        for file in source.files:
            dataset = catalog.BY_NAME[file.input].source
            assert name == dataset or name.startswith(f"{dataset}_")
            assert (file.size_bytes or 0) <= file.byte_cap
        assert sum(file.size_bytes or 0 for file in source.files) <= source.byte_cap
    fed_by_many = {
        declared.name for declared in catalog.INPUTS if len(lock.files_for(declared.name)) > 1
    }
    assert fed_by_many <= {declared.name for declared in catalog.INPUTS if declared.is_list}


def test_the_mirror_lock_pins_all_but_two_files() -> None:
    lock = read_lock(MIRROR_LOCK)
    free = [
        file.input
        for source in lock.sources.values()
        for file in source.files
        if file.sha256 is None
    ]
    assert free == ["onet_task_ratings", "bls_oews_series"]


def test_a_source_without_a_licence_is_internal_only() -> None:
    for path in (MIRROR_LOCK, UPSTREAM_LOCK):
        gdpval = read_lock(path).sources["gdpval"]
        assert gdpval.licence is None
        assert gdpval.allowed_use is AllowedUse.INTERNAL_ONLY
        assert gdpval.runtime_eligibility is not RuntimeEligibility.ELIGIBLE
