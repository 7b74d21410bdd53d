"""The routing of the title universe: every row of it, by the deterministic rules.

Belongs here: the tables ``title_model``, ``title_policies`` and ``title_routing``. Stays out: how
one title is routed (``routing``), and what decisions add (``adjudication``).
"""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.vocabulary import joined_classes, strictest_use
from aina_assets.titles import network
from aina_assets.titles.evidence import Material, ranker_of
from aina_assets.titles.model import NETWORKS, TitleModel
from aina_assets.titles.policy import TitleWords
from aina_assets.titles.routing import BATCH_ROWS, Router
from aina_assets.titles.tables import TitlePolicies, TitleRouting
from aina_assets.warehouse.authored import AuthoredText
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.tables import arrow_schema


def title_model(
    title_lexicon: pa.Table,
    occupations: pa.Table,
    occupation_tasks: pa.Table,
    soc_groups: pa.Table,
    title_ranker: pa.Table,
    title_words: TitleWords,
) -> pa.Table:
    """Rows of ``TitleModel``, trained on every known title."""
    material = Material.of(title_lexicon, occupations, occupation_tasks, soc_groups, title_words)
    model = TitleModel.trained(
        title_lexicon, material.documents, material.tree, ranker_of(title_ranker)
    )
    inputs = {
        "title_lexicon": title_lexicon,
        "occupations": occupations,
        "occupation_tasks": occupation_tasks,
        "soc_groups": soc_groups,
        "title_ranker": title_ranker,
    }
    training = {
        "networks": [dataclasses.asdict(plan) for plan in NETWORKS],
        "batch": network.BATCH,
        "epochs": network.EPOCHS,
        "learning_rate": network.LEARNING_RATE,
        "title_words_version": title_words.version,
        "data_versions": {name: digest_of_table(table) for name, table in inputs.items()},
    }
    return model.rows(training)


def title_policies(
    title_words: AuthoredText, icp: AuthoredText, families: AuthoredText
) -> pa.Table:
    """Rows of ``TitlePolicies``."""
    rows = [dataclasses.asdict(document) for document in (title_words, icp, families)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitlePolicies))


def title_routing(
    title_rows: pa.Table,
    title_lexicon: pa.Table,
    title_model: pa.Table,
    title_ranker: pa.Table,
    title_thresholds: pa.Table,
    title_policies: pa.Table,
    occupations: pa.Table,
    occupation_tasks: pa.Table,
    soc_groups: pa.Table,
    roles: pa.Table,
) -> pa.Table:
    """Rows of ``TitleRouting``: every row of ``title_rows``, in batches."""
    router = Router.of(
        {
            "title_lexicon": title_lexicon,
            "title_model": title_model,
            "title_ranker": title_ranker,
            "title_thresholds": title_thresholds,
            "title_policies": title_policies,
            "occupations": occupations,
            "occupation_tasks": occupation_tasks,
            "soc_groups": soc_groups,
            "roles": roles,
        }
    )
    # What a title is served rests on the whole lexicon: the model learnt from all of it.
    classes = pc.unique(title_lexicon["source_class"]).to_pylist()
    uses = pc.unique(title_lexicon["allowed_use"]).to_pylist()
    schema = arrow_schema(TitleRouting)
    parts = title_rows.to_batches(max_chunksize=BATCH_ROWS)
    batches = []
    for batch, routed in zip(
        parts, router.routed(part["title"].to_pylist() for part in parts), strict=True
    ):
        places = zip(batch["title_list"].to_pylist(), batch["source_row"].to_pylist(), strict=True)
        joined = [joined_classes([found, *classes]) for found in batch["source_class"].to_pylist()]
        strictest = [strictest_use([found, *uses]) for found in batch["allowed_use"].to_pylist()]
        own = {
            "title_list": batch["title_list"],
            "source_row": batch["source_row"],
            "title_id": pa.array([f"{name}:{row}" for name, row in places], pa.string()),
            "title_count": batch["title_count"],
            "source_class": pa.array(joined, pa.string()),
            "allowed_use": pa.array(strictest, pa.string()),
        }
        arrays = [own[name] if name in own else routed[name] for name in schema.names]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)
