"""The desk: everything a request can ask for, over the release and the ledger of now.

Belongs here: one function for each thing that API and pages both do, with what is told of it in
telemetry. Stays out: HTTP (``api``, ``pages``), the loop itself (``learner.service``).
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from pydantic_core import to_json

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.errors import AinaError, WarehouseBusy
from aina_assets.contracts.learner import (
    EventType,
    LearnerProfile,
    PersonalizationDecision,
    RecordedEvent,
)
from aina_assets.contracts.practice import EvaluationResult
from aina_assets.learner.replay import LearnerState
from aina_assets.learner.service import Assessment, LearnerService, ModuleUnknown
from aina_assets.learner.view import ReleaseView
from aina_assets.release.boundary import Standing
from aina_assets.release.policy import Domain
from aina_assets.serve.problems import RowUnknown, SubmissionTooLarge
from aina_assets.serve.releases import ReleaseHolder
from aina_assets.serve.sandbox import sandbox_of
from aina_assets.serve.shapes import (
    Health,
    LedgerHead,
    ModuleAnswer,
    ModuleLesson,
    RecordedReport,
    RefusedRelease,
    ReportedEvent,
    ServedRelease,
    WorkflowSandbox,
)
from aina_assets.serve.telemetry import Telemetry, Usage
from aina_assets.warehouse.lineage import trace, trace_document
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import Table

INTERNAL = "internal-synthetic"
TRACE_ROWS = 2
"""Rows to follow into each table, at most: a trace grows with every table above."""
_VERSION = version("aina-assets")


class Tracer:
    """Walks rows back to their files, one walk at a time: each reads and verifies whole snapshots.

    Args:
        store: the warehouse.
        models: every table's model by name; asked for when the first walk begins.
    """

    def __init__(self, store: Store, models: Callable[[], Mapping[str, type[Table]]]) -> None:
        self._store = store
        self._models = models
        self._turn = threading.Lock()

    def __call__(self, table: str, key: str, rows: int) -> bytes:
        """The trace of the row of ``table`` with ``key``, as JSON.

        Raises:
            RowUnknown: there is no such table or row.
            WarehouseError: what is stored cannot be read, or others are being traced.
        """
        if not self._turn.acquire(blocking=False):
            raise WarehouseBusy(
                expected="no other trace under way",
                found="one",
                where="trace",
                remedy="ask again in a few seconds",
            )
        try:
            found = trace(self._store, self._models(), table, key, rows_per_parent=rows)
            return to_json(trace_document(found), inf_nan_mode="null")
        except AinaError as error:
            if type(error) is not AinaError:
                raise
            raise RowUnknown(
                expected=error.expected,
                found=error.found,
                where=error.where,
                remedy=error.remedy,
            ) from None
        finally:
            self._turn.release()


@dataclass(frozen=True)
class Desk:
    """What requests ask for.

    Attributes:
        releases: holds the release of now.
        service: the loop; each request gets it over one release.
        telemetry: what is told.
        tracer: walks rows back.
    """

    releases: ReleaseHolder
    service: LearnerService
    telemetry: Telemetry
    tracer: Tracer

    def trace(self, table: str, key: str, rows: int) -> bytes:
        """Where a row came from; raises as ``Tracer``."""
        return self.tracer(table, key, rows)

    @contextmanager
    def loop(self) -> Iterator[tuple[LearnerService, ReleaseView]]:
        """The loop over the release of now, the same one until the end of the block."""
        with self.releases.lease() as view:
            yield dataclasses.replace(self.service, view=lambda: view), view

    def assess(self, profile: LearnerProfile, key: str) -> Assessment:
        """Take an intake; raises as ``LearnerService.assess``."""
        with self.loop() as (service, view):
            made = service.assess(profile, key)
        self.telemetry.tell(
            Usage.ASSESSED,
            profile.learner_id,
            release_id=view.release_id,
            level=made.readiness.level,
            fallback_tier=made.packet.fallback_tier,
            confidence=made.packet.title_confidence,
        )
        return made

    def plan(self, learner_id: str, key: str) -> PersonalizationDecision:
        """The next steps; raises as ``LearnerService.plan``."""
        with self.loop() as (service, view):
            decision = service.plan(learner_id, key)
        self.telemetry.tell(
            Usage.PLANNED,
            learner_id,
            release_id=view.release_id,
            fallback_tier=decision.fallback_tier,
            confidence=decision.confidence,
            steps=len(decision.chosen_path),
            changed_by=len(decision.changed_by),
        )
        return decision

    def submit(self, learner_id: str, module_id: str, text: str, key: str) -> EvaluationResult:
        """Grade a submission; raises as ``LearnerService.submit``.

        Raises:
            SubmissionTooLarge: it is.
        """
        with self.loop() as (service, view):
            try:
                result = service.submit(learner_id, module_id, text, key)
            except AinaError as error:
                if type(error) is not AinaError:
                    raise
                raise SubmissionTooLarge(
                    expected=error.expected,
                    found=error.found,
                    where="text",
                    remedy=error.remedy,
                ) from None
        self.telemetry.tell(
            Usage.EVALUATED,
            learner_id,
            release_id=view.release_id,
            module_id=module_id,
            outcome=result.outcome,
            counts_for_mastery=result.counts_for_mastery,
        )
        return result

    def report(self, learner_id: str, event: ReportedEvent, key: str) -> RecordedReport:
        """Record what a learner reports; raises as ``LearnerService.note``."""
        payload = event.model_dump(mode="json", exclude={"event_type", "module_id"})
        module_id = getattr(event, "module_id", None)
        with self.loop() as (service, view):
            recorded = service.note(learner_id, event.event_type, key, module_id, **payload)
        if event.event_type is EventType.LESSON_STARTED:
            self.telemetry.tell(
                Usage.LESSON_STARTED, learner_id, release_id=view.release_id, module_id=module_id
            )
        return _reported(recorded)

    def answer(self, learner_id: str, module_id: str, key: str) -> ModuleAnswer:
        """Show how a module is graded, and record that; raises as ``LearnerService.note``."""
        with self.loop() as (service, view):
            recorded = service.note(
                learner_id, EventType.MODULE_EXPOSED, key, module_id, answer_shown=True
            )
            rubric = view.modules[module_id].rubric
        self.telemetry.tell(
            Usage.ANSWER_SHOWN, learner_id, release_id=view.release_id, module_id=module_id
        )
        return ModuleAnswer(module_id=module_id, rubric=rubric, event=_reported(recorded))

    def lesson(self, module_id: str) -> ModuleLesson:
        """A module without its answer.

        Raises:
            ModuleUnknown: the release has none of this id.
        """
        with self.loop() as (_, view):
            return ModuleLesson.of(_module(view, module_id), view.release_id)

    def sandbox(self, workflow_id: str) -> WorkflowSandbox:
        """Scenarios for a workflow, or why there are none.

        Raises:
            WorkflowUnknown: the release has none of this id.
        """
        with self.releases.lease() as view:
            return sandbox_of(view, workflow_id)

    def state(self, learner_id: str) -> LearnerState:
        """What the ledger says of a learner; raises as ``LearnerService.state``."""
        return self.service.state(learner_id)

    def standing(self, domain: Domain) -> Standing:
        """Whether a boundary of production is open now, by the release of now."""
        with self.releases.lease() as view:
            return view.boundaries.standing(domain, self.service.clock())

    def boundary(self) -> str:
        """What is open now, in words: nothing but the internal synthetic beta, or what else."""
        with self.releases.lease() as view:
            opened = view.boundaries.open_domains(self.service.clock())
        return f"{INTERNAL}; open: {', '.join(opened)}" if opened else INTERNAL

    def health(self) -> Health:
        """Whether the server can do its work.

        Raises:
            LedgerError: the ledger does not answer.
        """
        status = self.releases.status()
        head = self.service.ledger.head()
        refused = None
        if status.refused is not None:
            refused = RefusedRelease(**dataclasses.asdict(status.refused))
        return Health(
            status="degraded" if refused else "ok",
            boundary=self.boundary(),
            version=_VERSION,
            release=ServedRelease(
                release_id=status.release_id, is_loading_another=status.is_loading
            ),
            refused_release=refused,
            ledger=LedgerHead(position=head.position, digest=head.digest),
        )


def _module(view: ReleaseView, module_id: str) -> CurriculumModule:
    module = view.modules.get(module_id)
    if module is None:
        raise ModuleUnknown(
            expected="a module of the current release",
            found=module_id,
            where=f"release {view.release_id}",
            remedy="take a module of the learner's plan",
        )
    return module


def _reported(recorded: RecordedEvent) -> RecordedReport:
    return RecordedReport(
        event_id=recorded.event.event_id,
        event_type=recorded.event.event_type,
        position=recorded.position,
    )
