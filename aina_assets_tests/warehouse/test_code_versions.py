"""Code versions follow the code: what a table is made by, all of that, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aina_assets.warehouse import code_versions
from aina_assets.warehouse.code_versions import PACKAGE_ROOT, code_version_of

Package = Callable[..., None]


def forget() -> None:
    for cached in ("_closure", "_path", "_source", "_imports"):
        getattr(code_versions, cached).cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """A package of a few made-up modules in place of this one; call it to write some of them."""
    root = tmp_path / "aina_assets"
    monkeypatch.setattr(code_versions, "PACKAGE_ROOT", root)

    def write(**modules: str) -> None:
        for name, text in modules.items():
            path = root / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        forget()

    write(
        room__table="from aina_assets.room.reader import read\nfrom aina_assets.low import names\n",
        room__reader="import json\n\n\ndef read():\n    from aina_assets.low.errors import E\n",
        room__other="from aina_assets.room import reader\n",
        low__errors="class E(Exception): ...\n",
        low__names="A = 1\n",
        low__unused="B = 2\n",
    )
    yield write
    forget()


def test_a_version_is_the_same_as_long_as_the_code_is(package: Package) -> None:
    before = code_version_of(["aina_assets.room.table"])
    forget()

    assert code_version_of(["aina_assets.room.table"]) == before
    assert len(before) == 16


@pytest.mark.parametrize("changed", ["room__table", "room__reader", "low__names", "low__errors"])
def test_a_change_of_anything_it_imports_shows(package: Package, changed: str) -> None:
    """Direct or not, of a name or of a module, on top of the file or within a function."""
    before = code_version_of(["aina_assets.room.table"])
    text = (code_versions.PACKAGE_ROOT / f"{changed.replace('__', '/')}.py").read_text()

    package(**{changed: text + "# changed\n"})

    assert code_version_of(["aina_assets.room.table"]) != before


@pytest.mark.parametrize("changed", ["room__other", "low__unused"])
def test_a_change_of_anything_else_does_not(package: Package, changed: str) -> None:
    before = code_version_of(["aina_assets.room.table"])

    package(**{changed: "# changed\n"})

    assert code_version_of(["aina_assets.room.table"]) == before


def test_what_is_declared_counts_and_the_order_of_modules_does_not(package: Package) -> None:
    modules = ["aina_assets.room.table", "aina_assets.room.other"]

    assert code_version_of(modules) == code_version_of(modules[::-1])
    assert code_version_of(modules, declaration="a rule") != code_version_of(modules)


def test_modules_that_import_each_other_are_no_trouble(package: Package) -> None:
    package(
        room__table="from aina_assets.room import other\n",
        room__other="import aina_assets.room.table\n",
    )

    first = code_version_of(["aina_assets.room.table"])

    assert first == code_version_of(["aina_assets.room.other"])


def imports_by_parser(path: Path) -> set[str]:
    """Modules of the package that the file imports, as Python itself reads it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import, which code versions do not follow"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "aina_assets" and is_module(name)}


def is_module(name: str) -> bool:
    place = PACKAGE_ROOT.joinpath(*name.split(".")[1:])
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


MODULES = sorted(PACKAGE_ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE_ROOT)))
def test_every_import_of_the_package_is_seen(path: Path) -> None:
    """Regular expressions find what a parser finds; they are ten times as quick."""
    name = ".".join(["aina_assets", *path.relative_to(PACKAGE_ROOT).with_suffix("").parts])

    assert code_versions._imports(name.removesuffix(".__init__")) == imports_by_parser(path)
