"""Code versions that nobody has to bump: digests of the source a function is made of.

Belongs here: finding the modules of this package that a module imports, directly or not. A change
that touches none of them leaves the version alone; a rerun that changes no data stops there, since
dependents compare data versions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parents[1]

# Every command pays for this; parsing would take ten times as long.
_FROM_IMPORT = re.compile(r"^\s*from (aina_assets[\w.]*) import (\([^)]*\)|[^\n(]*)", re.MULTILINE)
_IMPORT = re.compile(r"^\s*import (aina_assets[\w.]*)", re.MULTILINE)


def code_version_of(modules: Iterable[str], *, declaration: str = "") -> str:
    """Digest of the sources of ``modules`` and of every module of the package they import.

    Args:
        modules: dotted names.
        declaration: anything else that belongs to the code, such as a table's rules.
    """
    content = hashlib.sha256(declaration.encode())
    for name in sorted(_closure(frozenset(modules))):
        content.update(f"{name}\n".encode())
        content.update(_source(name).encode())
    return content.hexdigest()[:16]


@cache
def _closure(modules: frozenset[str]) -> frozenset[str]:
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_imports(name))
    return frozenset(seen)


@cache
def _path(module: str) -> Path | None:
    """The file of ``module``; found by name alone, since importing it would run it."""
    place = PACKAGE_ROOT.joinpath(*module.split(".")[1:])
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _source(module: str) -> str:
    path = _path(module)
    return path.read_text(encoding="utf-8") if path is not None else ""


@cache
def _imports(module: str) -> frozenset[str]:
    """Modules of the package that ``module`` names in an import statement."""
    found: set[str] = set()
    for parent, names in _FROM_IMPORT.findall(_source(module)):
        found.add(parent)
        imported = re.sub(r"\bas\s+\w+", "", names)
        found.update(f"{parent}.{name}" for name in re.findall(r"\w+", imported))
    found.update(_IMPORT.findall(_source(module)))
    return frozenset(name for name in found if _path(name) is not None)
