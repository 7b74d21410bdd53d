"""The O*NET text release of the sample, in the official column layout."""

from collections.abc import Iterator
from pathlib import Path

from aina_assets_tests.sample_world.files import Row, write_onet
from aina_assets_tests.sample_world.world import Task, World, load_yaml, rng, short_form

DATE = "08/2024"
SOURCES = ("02", "08", "10", "04,06", "08,10")


def write(world: World, folder: Path) -> None:
    code = "O*NET-SOC Code"
    tables: dict[str, tuple[str, Iterator[Row]]] = {
        "Occupation Data": (
            f"{code},Title,Description",
            ((o.code, o.title, o.description) for o in world.occupations),
        ),
        "Task Statements": (
            f"{code},Task ID,Task,Task Type,Incumbents Responding,Date,Domain Source",
            _statements(world),
        ),
        "Task Ratings": (
            f"{code},Task ID,Scale ID,Category,Data Value,N,Standard Error,Lower CI Bound,"
            "Upper CI Bound,Recommend Suppress,Date,Domain Source",
            _ratings(world),
        ),
        "Alternate Titles": (f"{code},Alternate Title,Short Title,Source(s)", _alternates(world)),
        "Sample of Reported Titles": (
            f"{code},Reported Job Title,Shown in My Next Move",
            _reported(world),
        ),
        "DWA Reference": (
            "Element ID,IWA ID,DWA ID,DWA Title",
            ((a.element, a.id, d.id, d.title) for a in world.activities for d in a.details),
        ),
        "IWA Reference": (
            "Element ID,IWA ID,IWA Title",
            ((a.element, a.id, a.title) for a in world.activities),
        ),
        "Tasks to DWAs": (
            f"{code},Task ID,DWA ID,Date,Domain Source",
            ((t.code, t.id, dwa, DATE, "Analyst") for t in world.tasks for dwa in t.dwas),
        ),
        "Technology Skills": (
            f"{code},Example,Commodity Code,Commodity Title,Hot Technology,In Demand",
            _tools(world),
        ),
        "Job Zones": (
            f"{code},Job Zone,Date,Domain Source",
            ((o.code, o.zone, DATE, "Analyst") for o in world.occupations),
        ),
        "Related Occupations": (
            f"{code},Related O*NET-SOC Code,Relatedness Tier,Index",
            _related(world),
        ),
    }
    for name, (header, rows) in tables.items():
        write_onet(folder / f"{name}.txt", header, rows)


def incumbents(task: Task) -> int | None:
    """How many job holders rated a task: made up, absent where no type was given."""
    return rng(f"incumbents {task.code}").randrange(21, 110) if task.type else None


def _statements(world: World) -> Iterator[Row]:
    for task in world.tasks:
        source = "Incumbent" if task.type else "Analyst"
        yield task.code, task.id, task.text, task.type, incumbents(task), DATE, source


def _ratings(world: World) -> Iterator[Row]:
    random = rng("task ratings")
    for task in world.tasks:
        people = incumbents(task)
        if people is None:
            continue
        core = task.type == "Core"
        importance = random.uniform(3.6, 4.8) if core else random.uniform(2.4, 3.6)
        relevance = random.uniform(70, 99) if core else random.uniform(30, 69)
        shares = [random.random() ** 2 for _ in range(7)]
        frequencies = [100 * share / sum(shares) for share in shares]
        scaled: list[tuple[str, int | None, float, float, float]] = [
            ("IM", None, importance, 1.0, 5.0),
            ("RT", None, relevance, 0.0, 100.0),
        ]
        scaled += [("FT", n, share, 0.0, 100.0) for n, share in enumerate(frequencies, 1)]
        for scale, category, value, low, high in scaled:
            error = (0.15 if scale == "IM" else 4.0) * random.uniform(0.5, 1.8)
            yield (
                task.code,
                task.id,
                scale,
                category,
                f"{value:.2f}",
                people,
                f"{error:.4f}",
                f"{max(low, value - 1.96 * error):.4f}",
                f"{min(high, value + 1.96 * error):.4f}",
                "Y" if error > 6.8 else "N",
                DATE,
                "Incumbent",
            )


def _alternates(world: World) -> Iterator[Row]:
    random = rng("alternate titles")
    for occupation in world.occupations:
        for title in sorted(occupation.titles):
            yield occupation.code, *short_form(title), random.choice(SOURCES)


def _reported(world: World) -> Iterator[Row]:
    for occupation in world.occupations:
        for number, title in enumerate(occupation.reported):
            yield occupation.code, title, "Y" if number < 2 else "N"


def _tools(world: World) -> Iterator[Row]:
    groups: dict[str, list[tuple[str, int, str, str, str]]] = load_yaml("tools.yaml")
    for occupation in world.occupations:
        for tool in sorted(tool for key in occupation.tools for tool in groups[key]):
            yield occupation.code, *tool


def _related(world: World) -> Iterator[Row]:
    """Nearest first by shared activities, then by code."""
    activities = {o.code: {dwa for task in o.tasks for dwa in task.dwas} for o in world.occupations}
    for occupation in world.occupations:
        own = activities[occupation.code]
        ranked = sorted(
            (other for other in world.occupations if other is not occupation),
            key=lambda other: (
                -(other.major == occupation.major),
                -len(own & activities[other.code]) / len(own | activities[other.code]),
                other.code,
            ),
        )
        for index, other in enumerate(ranked[:10], 1):
            tier = "Primary-Short" if index <= 5 else "Primary-Long"
            yield occupation.code, other.code, tier, index
