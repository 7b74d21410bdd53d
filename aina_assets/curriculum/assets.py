"""Assets of the curriculum: declarations only."""

from functools import partial

from aina_assets.curriculum import content, depth, subjects, tables
from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.receipts import ReceiptSpec

_table = partial(table_asset, group="curriculum")
_HELD = ("hold",)

capability_levels = _table(tables.CapabilityLevels)(content.capability_levels)
modules = _table(tables.Modules)(content.modules)
rubric_subjects = _table(tables.RubricSubjects)(subjects.rubric_subjects)
rubric_criteria = _table(tables.RubricCriteria)(content.rubric_criteria)
workflow_modules = _table(tables.WorkflowModules)(content.workflow_modules)
content_coverage = _table(
    tables.ContentCoverage,
    receipt=ReceiptSpec("content_coverage_v1", counted="verdict", holds=_HELD),
)(content.content_coverage)
lesson_depth = _table(
    tables.LessonDepth,
    receipt=ReceiptSpec("authored_lesson_depth_v1", counted="verdict", holds=_HELD),
)(depth.lesson_depth)
rubric_depth = _table(
    tables.RubricDepth,
    receipt=ReceiptSpec(
        "rubric_depth_gate_v1", counted="verdict", holds=_HELD, upstream=("source_intake_v1",)
    ),
)(depth.rubric_depth)
