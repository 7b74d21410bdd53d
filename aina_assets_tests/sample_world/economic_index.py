"""The Economic Index files of the sample.

Its task statements stand on SOC 2010 codes and on an older wording of the world: newer tasks are
missing there and a few retired ones are still present.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aina_assets_tests.sample_world.files import Row, write_delimited, write_json
from aina_assets_tests.sample_world.onet import incumbents
from aina_assets_tests.sample_world.world import Task, World, load_yaml, rng

NEW_TASK_SHARE = 0.06
MAPPED_SHARE = 0.5
PENETRATED_SHARE = 0.3
OLD_DATE = "07/2014"
FIRST_RETIRED_ID = 80001


@dataclass(frozen=True)
class Statement:
    """A task statement of the older release under one SOC 2010 code."""

    code: str
    title: str
    task: Task


class EconomicIndex:
    """The figures of all files, drawn once so that the files agree with each other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.content: dict[str, Any] = load_yaml("economic_index.yaml")

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        random = rng("older task statements")
        tasks = [task for task in self.world.tasks if random.random() >= NEW_TASK_SHARE]
        for number, (code, text) in enumerate(self.content["retired"]):
            tasks.append(Task(FIRST_RETIRED_ID + number, code, text, "Supplemental", ()))
        origins = {
            occupation.code: [p for p in self.world.onet_pairs if p.new == occupation.code]
            for occupation in self.world.occupations
        }
        statements = []
        for task in tasks:
            origin = random.choice(origins[task.code])
            statements.append(Statement(origin.old, origin.old_title, task))
        return tuple(sorted(statements, key=lambda s: (s.code, s.task.id)))

    @cached_property
    def usage(self) -> dict[str, float]:
        """Share of use by lower-cased task text: many small, few large."""
        random = rng("usage")
        weights: dict[str, float] = self.content["usage_by_major"]
        usage: dict[str, float] = {}
        for statement in self.statements:
            weight = weights[statement.code[:2]]
            if random.random() < min(0.95, MAPPED_SHARE + 0.06 * weight - 0.05 / weight):
                text = statement.task.text.lower()
                usage[text] = usage.get(text, 0.0) + weight * random.lognormvariate(0, 1)
        return usage

    @cached_property
    def penetration(self) -> dict[str, float]:
        """How far each task is already done with AI, by its text: mostly not at all."""
        random = rng("penetration")
        penetration = {}
        for text in sorted({statement.task.text for statement in self.statements}):
            used = text.lower() in self.usage and random.random() < PENETRATED_SHARE
            penetration[text] = round(random.betavariate(2, 1.2), 4) if used else 0.0
        return penetration

    def mappings(self, *, seed: str, kept: float) -> Iterator[Row]:
        """Percent of use by task name, summing to 100 with the named extras and `none`."""
        random = rng(seed)
        extras: dict[str, float] = {e["name"]: e["pct"] for e in self.content["unmatched"]}
        extras["none"] = self.content["none_pct"]
        drawn = {
            text: use * random.uniform(0.8, 1.25)
            for text, use in self.usage.items()
            if random.random() < kept
        }
        rest = 100 - math.fsum(extras.values())
        total = math.fsum(drawn.values())
        percents = {text: use / total * rest for text, use in drawn.items()} | extras
        yield from sorted(percents.items())


def write(world: World, folder: Path) -> None:
    index = EconomicIndex(world)
    first = folder / "release_2025_02_10"
    header = ("task_name", "pct")
    write_delimited(
        first / "onet_task_mappings.csv", header, index.mappings(seed="first mappings", kept=1.0)
    )
    write_delimited(
        first / "automation_vs_augmentation.csv",
        ("interaction_type", "pct"),
        index.content["interaction"].items(),
    )
    write_delimited(
        first / "onet_task_statements.csv",
        (
            *("O*NET-SOC Code", "Title", "Task ID", "Task", "Task Type"),
            *("Incumbents Responding", "Date", "Domain Source"),
        ),
        _statement_rows(index),
    )
    write_delimited(
        first / "bls_employment_may_2023.csv",
        ("SOC or O*NET-SOC 2019 Title", "bls_distribution"),
        _employment(world),
    )
    write_delimited(
        first / "wage_data.csv",
        (
            *("SOCcode", "JobName", "JobFamily", "isBright", "isGreen", "JobZone"),
            *("MedianSalary", "JobForecast", "ChanceAuto", "WageGroup"),
        ),
        _wages(world),
    )
    write_delimited(
        first / "SOC_Structure.csv",
        (
            *("Major Group", "Minor Group", "Broad Occupation", "Detailed Occupation"),
            *("Detailed O*NET-SOC", "SOC or O*NET-SOC 2019 Title"),
        ),
        _structure(world),
    )
    write_delimited(
        folder / "release_2025_03_27" / "task_pct_v2.csv",
        header,
        index.mappings(seed="second mappings", kept=0.9),
    )
    impacts = folder / "labor_market_impacts"
    write_delimited(
        impacts / "task_penetration.csv", ("task", "penetration"), index.penetration.items()
    )
    write_delimited(
        impacts / "job_exposure.csv", ("occ_code", "title", "observed_exposure"), _exposure(index)
    )
    output = folder / "release_2025_09_15" / "data" / "output"
    for name, tree in index.content["clusters"].items():
        write_json(
            output / f"request_hierarchy_tree_{name}.json",
            {"request_hierarchy": [_cluster(2, *item) for item in tree.items()]},
        )


def _statement_rows(index: EconomicIndex) -> Iterator[Row]:
    for statement in index.statements:
        task = statement.task
        people = incumbents(task)
        source = "Analyst" if people is None else "Incumbent"
        responding = None if people is None else float(people)
        yield (
            *(statement.code, statement.title, task.id, task.text, task.type),
            *(responding, OLD_DATE, source),
        )


def _employment(world: World) -> Iterator[Row]:
    for group in world.soc_groups:
        if group.level == "major":
            members = [o for o in world.occupations if o.code[:2] == group.code[:2]]
            yield group.title, round(sum(o.jobs for o in members) * 0.97, -1)


def _wages(world: World) -> Iterator[Row]:
    """Older wages; -1 where nothing is known. Pay and outlook are those of the SOC 2010 code."""
    families = {
        group.code[:2]: group.title.removesuffix(" Occupations")
        for group in world.soc_groups
        if group.level == "major"
    }
    seen = set()
    of_soc: dict[str, tuple[float, int]] = {}
    for pair in sorted(world.onet_pairs, key=lambda p: p.old_title):
        occupation = world.by_code.get(pair.new)
        if occupation is None or pair.old in seen:
            continue
        seen.add(pair.old)
        random = rng(f"wage {pair.old}")
        paid = [o for o in world.occupations if o.soc == occupation.soc and o.wage]
        median = round(paid[0].wage * random.uniform(0.68, 0.78), -1)
        signals = of_soc.setdefault(pair.old[:7], (median, random.randrange(5, 900) * 100))
        chance = -1.0 if random.random() < 0.4 else round(random.uniform(0.4, 98), 1)
        specialty = not pair.old.endswith(".00")
        yield (
            *(pair.old, pair.old_title, families[pair.old[:2]], random.random() < 0.4),
            *(random.random() < 0.15, -1 if random.random() < 0.08 else occupation.zone),
            *(*signals, chance),
            paid[0].title if specialty else "",
        )


def _structure(world: World) -> Iterator[Row]:
    places = {"major": 0, "minor": 1, "broad": 2, "detailed": 3}
    for group in world.soc_groups:
        place = places[group.level]
        yield *(group.code if n == place else None for n in range(5)), group.title
        for occupation in world.occupations:
            if occupation.soc == group.code and not occupation.code.endswith(".00"):
                yield None, None, None, None, occupation.code, occupation.title


def _exposure(index: EconomicIndex) -> Iterator[Row]:
    """Mean penetration of an occupation's tasks (the sample's own rule)."""
    for soc, title in index.world.detailed_socs.items():
        texts = [task.text for task in index.world.tasks_of_soc(soc)]
        values = [index.penetration.get(text, 0.0) for text in texts]
        yield soc, title, round(math.fsum(values) / len(values), 4)


def _cluster(level: int, label: str, children: Any) -> dict[str, Any]:
    name, description = label.split(" | ")
    below = children.items() if isinstance(children, dict) else ((c, {}) for c in children)
    return {
        "level": level,
        "cluster_name": name,
        "cluster_description": description,
        "children": [_cluster(level - 1, *item) for item in below],
    }
