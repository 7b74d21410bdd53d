"""Assets of authoring that are pages.

Belongs here: declarations only; what the pages say is in ``pages`` and ``review_pages``.
"""

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from aina_assets.authoring import assets, pages, review_pages
from aina_assets.authoring.policy import Authoring
from aina_assets.review import assets as review
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.report_assets import report_asset

TEMPLATES = Path(__file__).parent / "templates"

_report = partial(report_asset, templates=TEMPLATES)

STEPS = frozenset(
    spec.key.path[-1]
    for room in (assets, review)
    for asset in vars(room).values()
    if isinstance(asset, dg.AssetsDefinition)
    for spec in asset.specs
) | {review_pages.REVIEWS}
"""Assets that a step of a lane, or the decisions of a gate, can be."""


@_report(
    {"pipeline_flow.html": "The page.", "pipeline_flow.json": "Everything the page says."},
    deps=("authoring_registry",),
)
def pipeline_flow(
    authoring: Authoring,
    review_gates: ReviewGates,
    versions: Mapping[str, str],
    templates: Path,
) -> Mapping[str, bytes]:
    """How content is written and reviewed: lanes step by step, and all they are configured by."""
    document = pages.flow_document(authoring, review_gates, STEPS, versions)
    return pages.flow_files(document, templates)


_SCORED = (
    "score_gates", "score_rubric_domain", "scan_design_pitfalls", "assess_learning_coverage",
    "write_trace", "generate_action_summaries", "compile_review",
)  # fmt: skip
REVIEWED = tuple(
    f"{lane}_{step}"
    for lane, steps in {
        "mod_review": ("compile_blueprint", "build_blueprint", "extract_applet_summary", *_SCORED),
        "app_review": ("build_blueprint", *_SCORED),
    }.items()
    for step in steps
)
"""Tables of the steps that a review stands on, the review itself last."""


def _pages_of_reviews(
    authoring: Authoring, versions: Mapping[str, str], templates: Path, **tables: pa.Table
) -> Mapping[str, bytes]:
    """Final reviews of modules and applets: a page for each, and the list of all."""
    rows = (row for name in REVIEWED for row in tables[name].to_pylist())
    return review_pages.page_files(
        review_pages.pages_document(rows, authoring, versions), templates
    )


def _taking(function: Any, name: str, tables: tuple[str, ...]) -> Any:
    """``function`` under ``name``, with an argument for each of ``tables``."""
    signature = inspect.signature(function)
    own = [item for item in signature.parameters.values() if item.kind is not item.VAR_KEYWORD]
    more = [
        inspect.Parameter(table, inspect.Parameter.KEYWORD_ONLY, annotation=pa.Table)
        for table in tables
    ]
    function.__signature__ = signature.replace(parameters=[*own, *more])
    function.__name__ = name
    return function


authoring_review_pages = _report(
    {
        "authoring_review_pages.html": "The list of reviews.",
        "authoring_review_pages.json": "Everything the pages say.",
        review_pages.UNIT_PAGES: "The review of a module or applet, one page each.",
    },
)(_taking(_pages_of_reviews, review_pages.REVIEWS, REVIEWED))
