"""Assets of authoring: declarations only."""

import inspect
from functools import partial

import dagster as dg
import pyarrow as pa

from aina_assets.authoring import (
    bridge,
    bridge_tables,
    knowledge,
    knowledge_tables,
    lane_steps,
    loopback,
    registry,
    tables,
)
from aina_assets.sources.files import SourceFiles
from aina_assets.warehouse.assets import table_asset
from aina_assets.warehouse.tables import table_name

GROUP = "authoring"

_table = partial(table_asset, group=GROUP)

authoring_registry = _table(tables.AuthoringRegistry)(registry.authoring_registry)


def _kb(name: str) -> dg.AssetsDefinition:
    """Table ``name`` of the knowledge base, read from the input that is called as it is."""
    model = knowledge_tables.KB_TABLES[name]
    stored = table_name(model)
    rows_of = knowledge.kb_table(name)

    def read(**inputs: SourceFiles) -> pa.Table:
        return rows_of(inputs[stored])

    argument = inspect.Parameter(stored, inspect.Parameter.KEYWORD_ONLY, annotation=SourceFiles)
    read.__signature__ = inspect.Signature([argument])  # type: ignore[attr-defined]
    read.__module__ = knowledge.__name__
    return _table(model)(read)


kb_learning_objectives = _kb("learning_objectives")
kb_components = _kb("components")
kb_misconceptions = _kb("misconceptions")
kb_vocabulary = _kb("vocabulary")
kb_visual_representations = _kb("visual_representations")
kb_textbook_references = _kb("textbook_references")
kb_interactives = _kb("interactives")
kb_conventions = _kb("conventions")
kb_modules = _kb("modules")
authoring_requests = _table(knowledge_tables.AuthoringRequests)(knowledge.authoring_requests)

kb_enrichment_events = _table(knowledge_tables.KbEnrichmentEvents)(loopback.kb_enrichment_events)
kb_enriched = _table(knowledge_tables.KbEnriched)(loopback.kb_enriched)

# Every table of the lanes, each under its own name: a step's, what stands at a gate, what is
# written back to the knowledge base.
globals().update(
    {table_name(model): _table(model)(made) for model, made in lane_steps.TRANSFORMS.items()}
)

authoring_reviews = _table(bridge_tables.AuthoringReviews)(bridge.authoring_reviews)
curriculum_candidates = _table(bridge_tables.CurriculumCandidates)(bridge.curriculum_candidates)
curriculum_entries = _table(bridge_tables.CurriculumEntries)(bridge.curriculum_entries)
