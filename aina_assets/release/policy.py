"""Rules of release as people write them: ``data/release_rules.yaml``.

Belongs here: their model, and what must hold within the document. Stays out: applying them
(``authority``, ``admission``, ``readiness``, ``boundary``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aina_assets.contracts.vocabulary import SourceClass
from aina_assets.contracts.work import Contract, Share, Text
from aina_assets.warehouse.authored import AuthoredDocument

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Gate = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*_v[1-9][0-9]*$")]


class Domain(StrEnum):
    """Boundaries of production, each opened by approvals of its own."""

    PUBLIC_RUNTIME = "public_runtime"
    EXTERNAL_WRITES = "external_writes"
    REAL_USER_DATA = "real_user_data"
    PRODUCTION_TELEMETRY = "production_telemetry"
    DEPLOYMENT_PROMOTION = "deployment_promotion"


class Layer(Contract):
    """One layer of sources: inputs of one class.

    Attributes:
        is_cached_only: its rows come from files somebody put there; nothing stands in for them.
    """

    id: Id
    title: Text
    source_class: SourceClass
    is_cached_only: bool = False
    inputs: Annotated[tuple[Id, ...], Field(min_length=1)]


class Outside(Contract):
    """What a list leaves out, and why."""

    id: Id
    why: Text


class AdmissionRule(Contract):
    """What admits a family, and what follows where it does not hold."""

    id: Id
    effect: Literal["blocked", "review_required"]
    statement: Text
    why: Text
    at_least: Annotated[float, Field(ge=0)] | None = None
    at_most: Share | None = None


class BoundaryOf(Contract):
    """One boundary of production.

    Attributes:
        opening_means: what would be allowed.
        enforced_by: what keeps it closed.
        stands_on: gates whose findings a reviewer is shown.
    """

    id: Domain
    title: Text
    opening_means: Text
    enforced_by: Text
    stands_on: Annotated[tuple[Gate, ...], Field(min_length=1)]


class ReleaseRules(AuthoredDocument, document="release_rules"):
    """Source layers, beta families, rules of admission, and boundaries of production."""

    layers: Annotated[tuple[Layer, ...], Field(min_length=1)]
    outside_layers: tuple[Outside, ...] = ()
    beta_families: Annotated[tuple[Id, ...], Field(min_length=1)]
    outside_beta: tuple[Outside, ...] = ()
    admission: Annotated[tuple[AdmissionRule, ...], Field(min_length=1)]
    domains: tuple[BoundaryOf, ...]

    @model_validator(mode="after")
    def _says_each_once(self) -> Self:
        _once("layers", (layer.id for layer in self.layers))
        inputs = [name for layer in self.layers for name in layer.inputs]
        _once("inputs", [*inputs, *(item.id for item in self.outside_layers)])
        _once("families", [*self.beta_families, *(item.id for item in self.outside_beta)])
        _once("admission", (rule.id for rule in self.admission))
        found = [item.id for item in self.domains]
        if sorted(found) != sorted(Domain):
            raise ValueError(f"domains are {', '.join(Domain)}, each once; not {', '.join(found)}")
        return self


def _once(what: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{what} more than once: {', '.join(twice)}")
