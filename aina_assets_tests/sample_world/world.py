"""The authored world as typed values: occupations, tasks, activities, classifications.

Belongs here: reading `content/` and giving every task and activity its id. Does not belong here:
any file format of a publisher (one module each) and any made-up measurement.
"""

import random
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

CONTENT = Path(__file__).parent / "content"
FIRST_TASK_ID = 90001


@dataclass(frozen=True)
class DetailedActivity:
    id: str
    title: str


@dataclass(frozen=True)
class Activity:
    """An intermediate work activity (IWA) and the detailed ones below it."""

    key: str
    id: str
    title: str
    details: tuple[DetailedActivity, ...]

    @property
    def element(self) -> str:
        return self.id.rsplit(".", 1)[0]


@dataclass(frozen=True)
class Task:
    id: int
    code: str
    text: str
    type: str | None
    dwas: tuple[str, ...]


@dataclass(frozen=True)
class Occupation:
    code: str
    title: str
    description: str
    zone: int
    jobs: int
    wage: int
    annual_only: bool
    titles: tuple[str, ...]
    reported: tuple[str, ...]
    tools: tuple[str, ...]
    tasks: tuple[Task, ...]

    @property
    def soc(self) -> str:
        return self.code[:7]

    @property
    def major(self) -> str:
        return self.code[:2]


@dataclass(frozen=True)
class SocGroup:
    level: str
    code: str
    title: str


@dataclass(frozen=True)
class Pair:
    """One row of a crosswalk."""

    old: str
    old_title: str
    new: str
    new_title: str


def load_yaml(name: str) -> Any:
    return yaml.safe_load((CONTENT / name).read_text())


def rng(purpose: str) -> random.Random:
    """A random source for each purpose, so that a change in one file leaves the others alone."""
    return random.Random(f"aina sample world: {purpose}")  # noqa: S311


def short_form(title: str) -> tuple[str, str | None]:
    """`Chief Executive Officer (CEO)` also goes by `CEO`."""
    found = re.fullmatch(r".+ \((.+)\)", title)
    return title, found.group(1) if found else None


class World:
    @cached_property
    def activities(self) -> tuple[Activity, ...]:
        activities = []
        for entry in load_yaml("activities.yaml"):
            details = tuple(
                DetailedActivity(f"{entry['id']}.D{number:02}", title)
                for number, title in enumerate(entry["dwas"], 1)
            )
            activities.append(Activity(entry["key"], entry["id"], entry["title"], details))
        return tuple(sorted(activities, key=lambda activity: activity.id))

    @cached_property
    def occupations(self) -> tuple[Occupation, ...]:
        entries = [
            entry
            for file in sorted((CONTENT / "occupations").glob("*.yaml"))
            for entry in yaml.safe_load(file.read_text())
        ]
        entries.sort(key=lambda entry: str(entry["code"]))
        detail = {
            f"{activity.key}.{number}": dwa.id
            for activity in self.activities
            for number, dwa in enumerate(activity.details, 1)
        }
        occupations = []
        next_id = FIRST_TASK_ID
        for entry in entries:
            ids = range(next_id, next_id + len(entry["tasks"]))
            next_id = ids.stop
            tasks = tuple(
                _task(task_id, entry["code"], line, detail)
                for task_id, line in zip(ids, entry["tasks"], strict=True)
            )
            occupations.append(_occupation(entry, tasks))
        return tuple(occupations)

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        return tuple(task for occupation in self.occupations for task in occupation.tasks)

    @cached_property
    def by_code(self) -> dict[str, Occupation]:
        return {occupation.code: occupation for occupation in self.occupations}

    @cached_property
    def soc_groups(self) -> tuple[SocGroup, ...]:
        return tuple(SocGroup(*row) for row in load_yaml("soc_facts.yaml")["structure"])

    @cached_property
    def detailed_socs(self) -> dict[str, str]:
        return {group.code: group.title for group in self.soc_groups if group.level == "detailed"}

    @cached_property
    def onet_pairs(self) -> tuple[Pair, ...]:
        return tuple(Pair(*row) for row in load_yaml("soc_facts.yaml")["onet2010_to_onet2019"])

    @cached_property
    def soc_pairs(self) -> tuple[Pair, ...]:
        return tuple(Pair(*row) for row in load_yaml("soc_facts.yaml")["soc2010_to_soc2018"])

    def tasks_of_soc(self, soc: str) -> list[Task]:
        return [task for task in self.tasks if task.code.startswith(soc)]


def _task(task_id: int, code: str, line: str, detail: dict[str, str]) -> Task:
    keys, text = line.split(" | ", 1)
    kind = rng(f"task type {code} {text}").choices(("Core", "Supplemental", None), (77, 18, 5))[0]
    return Task(task_id, code, text, kind, tuple(detail[key] for key in keys.split()))


def _occupation(entry: dict[str, Any], tasks: tuple[Task, ...]) -> Occupation:
    return Occupation(
        code=entry["code"],
        title=entry["title"],
        description=entry["description"],
        zone=entry["zone"],
        jobs=entry["jobs"],
        wage=entry["wage"],
        annual_only=entry.get("annual_only", False),
        titles=tuple(entry["titles"]),
        reported=tuple(entry["reported"]),
        tools=tuple(entry["tools"]),
        tasks=tasks,
    )
