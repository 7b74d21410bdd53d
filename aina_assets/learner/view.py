"""What a release says, held ready for learners: the router, roles' material, modules, policies.

Belongs here: reading one release and nothing else. Stays out: which release is current
(``release.publish``), anything about a learner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Self

import duckdb
import pyarrow as pa

from aina_assets.contracts.curriculum import CapabilityLevel, CurriculumModule
from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.work import affordance_packs, role_profiles, workflow_profiles
from aina_assets.learner.policy import PlannerRules
from aina_assets.learner.resolver import Routed
from aina_assets.packets.curriculum_input import RoleMaterial
from aina_assets.practice.policy import PracticeRules
from aina_assets.release.boundary import Boundaries, Look, nobody_looks
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.titles.files import router_of
from aina_assets.titles.routing import Router

KEPT_TITLES = 8192
KEPT_ROLES = 1024
_TABLES = ("modules", "capability_levels", "runtime_policies", "roles", "workflows", "affordances")


@dataclass(frozen=True)
class ReleaseView:
    """One release, opened once; safe to ask from several threads.

    Attributes:
        release_id: its id.
        router: routes titles.
        rules: of the planner.
        practice_rules: of the evaluator, as YAML.
        modules: by id.
        module_rows: by family, modules with their rows.
        levels: the ladder.
        boundaries: of production, as this release finds them and the ledger of now leaves them.
    """

    release_id: str
    router: Router
    rules: PlannerRules
    practice_rules: str
    modules: Mapping[str, CurriculumModule]
    module_rows: Mapping[str, Sequence[tuple[CurriculumModule, Mapping[str, Any]]]]
    levels: tuple[CapabilityLevel, ...]
    boundaries: Boundaries
    _connection: duckdb.DuckDBPyConnection = field(repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def open(cls, release_id: str, database: Path, look: Callable[[], Look] = nobody_looks) -> Self:
        """The release in ``database``.

        Args:
            release_id: its id.
            database: its file.
            look: what the review ledger says now; without one no boundary is open.

        Raises:
            AinaError: it cannot be opened, or lacks a table.
        """
        router = router_of(database)
        try:
            connection = duckdb.connect(str(database), read_only=True)
            rows = _rows(connection, "SELECT * FROM modules ORDER BY role_family, level, module_id")
            levels = _rows(
                connection,
                "SELECT level, level_id AS id, name, description, evidence"
                " FROM capability_levels ORDER BY level",
            )
            policies = {
                row["document"]: row["content"]
                for row in _rows(connection, "SELECT * FROM runtime_policies")
            }
        except duckdb.Error as error:
            raise AinaError(
                expected=f"a release with the tables {', '.join(_TABLES)}",
                found=str(error).splitlines()[0],
                where=str(database),
                remedy="publish a release: aina build",
            ) from error
        by_family = defaultdict(list)
        for row in rows:
            module = CurriculumModule.model_validate_json(row["document"])
            by_family[module.family].append((module, row))
        view = cls(
            release_id,
            router,
            PlannerRules.parse(policies["planner_rules"], "runtime_policies"),
            policies["practice_rules"],
            {module.id: module for found in by_family.values() for module, _ in found},
            dict(by_family),
            tuple(CapabilityLevel.model_validate(row) for row in levels),
            Boundaries(
                _tables(connection, Boundaries.TABLES),
                ReviewGates.load(),
                Reviewers.load(),
                look,
            ),
            connection,
        )
        # Caches of their own: a view that is replaced takes them along.
        object.__setattr__(view, "route", lru_cache(KEPT_TITLES)(view.route))
        object.__setattr__(view, "material", lru_cache(KEPT_ROLES)(view.material))
        return view

    @cached_property
    def practice(self) -> PracticeRules:
        """Rules on practice."""
        return PracticeRules.parse(self.practice_rules, "runtime_policies")

    @cached_property
    def level_of(self) -> dict[str, int]:
        """Level of every module, by id."""
        return {name: module.level for name, module in self.modules.items()}

    def route(self, title: str) -> Routed:
        """``title``, routed."""
        with self._lock:  # The trees of the ranker are asked by one thread at a time.
            found: dict[str, Any] = self.router.route([title]).to_pylist()[0]
        return found

    def material(self, role_id: str) -> RoleMaterial | None:
        """What is known of a role; None where the release has no such role."""
        roles = role_profiles(self.rows("SELECT * FROM roles WHERE role_id = ?", role_id))
        if not roles:
            return None
        limit = self.rules.top_workflows
        workflows = workflow_profiles(
            self.rows(
                "SELECT * FROM workflows WHERE role_id = ? ORDER BY rank LIMIT ?", role_id, limit
            )
        )
        ids = [workflow.workflow_id for workflow in workflows]
        packs = {
            pack.workflow_id: pack
            for pack in affordance_packs(
                self.rows("SELECT * FROM affordances WHERE workflow_id IN (SELECT unnest(?))", ids)
            )
        }
        return RoleMaterial(
            roles[0], tuple(workflows), tuple(packs[name] for name in ids if name in packs)
        )

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Rows of a query over the release's tables."""
        return _rows(self._connection, sql, *parameters)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def _tables(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, pa.Table]:
    """Those of ``names`` that the release has."""
    there = {row["table_name"] for row in _rows(connection, "FROM information_schema.tables")}
    with connection.cursor() as cursor:
        return {
            name: cursor.sql(f'FROM "{name}"').to_arrow_table() for name in names if name in there
        }


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, *parameters: object
) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        table: pa.Table = cursor.sql(sql, params=list(parameters)).to_arrow_table()
    found: list[dict[str, Any]] = table.to_pylist()
    return found
