"""Code versions that nobody has to bump: digests of the source a function is made of.

Belongs here: finding the modules of this package that a module imports, directly or not. A change
that touches none of them leaves the version alone; a rerun that changes no data stops there, since
dependents compare data versions.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "aina_assets"


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
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


@cache
def _source(module: str) -> str:
    path = _path(module)
    return path.read_text(encoding="utf-8") if path is not None else ""


@cache
def _imports(module: str) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    inside = (name for name in found if name.split(".")[0] == PACKAGE)
    return frozenset(name for name in inside if _path(name) is not None)
