"""The bundled sample world: authored content and the generator that writes it as upstream files.

Belongs here: the authored YAML under `content/` (occupations with their tasks and titles, work
activities, GDPval-like tasks, clusters, title parts), the facts of the public classifications it
stands on, and one module for each publisher that writes these in the publisher's file formats.
Does not belong here: a sentence taken from upstream data, anything that reads the files back, and
any check of the engine. `python -m aina_assets_tests.sample_world [OUT_DIR]` writes the same
bytes each time.
"""

from pathlib import Path

from aina_assets_tests.sample_world import (
    bls,
    economic_index,
    gdpval,
    onet,
    practice,
    research,
    titles,
)
from aina_assets_tests.sample_world.world import World


def write_sample(folder: Path) -> None:
    """Write every sample file below `folder`, laid out like the mirror of the upstream data."""
    world = World()
    hub = folder / "huggingface"
    onet.write(world, folder / "onet" / "db_sample_text")
    bls.write(world, folder / "bls")
    economic_index.write(world, hub / "Anthropic" / "EconomicIndex")
    gdpval.write(hub / "openai" / "gdpval" / "data" / "train-00000-of-00001.parquet")
    research.write(world, folder / "github")
    titles.write(world, folder / "titles")
    practice.write(folder / "practice")
