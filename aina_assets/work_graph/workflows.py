"""Workflows: the tasks of a role brought together, ranked, and described by authored rules.

Belongs here: clustering through work activities, evidence per task, and the rank. Stays out: what
AI grants in them (``affordances``).

An occupation's tasks are a partition: each is in exactly one workflow. O*NET ties most tasks to one
or two detailed activities (DWA) that few other tasks of the occupation share: as components over
shared activities, seven in ten workflows would be a single task, and over elements for a third of
the occupations one of them would hold most tasks. Tasks are therefore covered greedily, closest
ties first: DWAs that at least three tasks share, then intermediate activities (IWA) and elements of
the content model that at least two do. What is left joins a workflow it shares an element with; the
rest is brought together by the group the elements are in, at most four tasks at a time, or joins a
workflow of that group, or stands alone. Where this gives fewer than three workflows, the widest
kind of tie is left out and it is done again: an occupation with three tasks has three workflows at
least, one with fewer has one a task.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.vocabulary import AllowedUse, SourceClass, joined_classes, strictest_use
from aina_assets.contracts.work import ClusterBasis
from aina_assets.warehouse.sql import query
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.policy import TaskRule, WorkRules
from aina_assets.work_graph.tables import TOP, Workflows

Connection = duckdb.DuckDBPyConnection

FEWEST_WORKFLOWS = 3
MOST_IN_GROUP = 20
"""Workflows of a role that covers several occupations."""
MOST_TASKS_LISTED = 50
"""Task ids of such a workflow; ``task_count`` counts all."""
MOST_JOINED = 6
"""A workflow of this many tasks takes in no more single ones."""
MOST_TEXTS = 5
MOST_OF_ELEMENT_GROUP = 4
"""Tasks that only a group of elements holds together: more would be a heap, not a workflow."""
_FEWEST_SHARING = {ClusterBasis.DWA: 3, ClusterBasis.IWA: 2, ClusterBasis.ELEMENT: 2}
_SHORT_TITLE = 80

NO_EVIDENCE = "no evidence"


@dataclass(frozen=True)
class Task:
    """A task and what is known about it.

    Attributes:
        task_id: its O*NET id.
        onet_soc_code: its occupation.
        text: the statement.
        said: the statement and the titles of its detailed activities: what most rules look at.
        task_type: Core, Supplemental, or None where not rated.
        importance: 0-100, where rated.
        times_a_year: expected, where rated.
        usage_pct: Economic Index usage placed on it; None where there is none.
        usage_names: texts in ``economic_index_usage``.
        ties: activity ids by kind of tie.
        provenance: source classes and allowed uses of the rows it is known by.
    """

    task_id: int
    onet_soc_code: str
    text: str
    said: str
    task_type: str | None
    importance: float | None
    times_a_year: float | None
    usage_pct: float | None
    usage_names: tuple[str, ...]
    ties: Mapping[ClusterBasis, frozenset[str]]
    provenance: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Cluster:
    """Tasks that make one workflow."""

    basis: ClusterBasis
    activity_ids: tuple[str, ...]
    tasks: tuple[Task, ...]


def workflows(
    con: Connection,
    roles: pa.Table,
    occupation_tasks: pa.Table,
    task_work_activities: pa.Table,
    work_activities: pa.Table,
    work_activity_groups: pa.Table,
    task_ratings: pa.Table,
    task_exposure: pa.Table,
    gdpval_tasks: pa.Table,
    gdpval_task_map: pa.Table,
    work_rules: WorkRules,
) -> pa.Table:
    """Rows of ``Workflows``: of every role whose occupations have tasks."""
    used = placed_usage(con, occupation_tasks, task_exposure)
    tasks = _tasks(
        occupation_tasks, task_work_activities, work_activities, task_ratings, used, work_rules
    )
    names = {
        **_column_map(work_activities, "dwa_id", "dwa_title"),
        **_column_map(work_activity_groups, "iwa_id", "iwa_title"),
    }
    by_occupation: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        by_occupation[task.onet_soc_code].append(task)
    clusters = {code: cluster(items) for code, items in sorted(by_occupation.items())}
    linked = _gdpval_links(gdpval_tasks, gdpval_task_map, roles, clusters, work_rules)
    uses = strictest_use([AllowedUse.OPEN, *gdpval_tasks["allowed_use"].unique().to_pylist()])
    says = _Rules(tasks, work_rules)

    def ranked(made: Sequence[Cluster], of_members: int) -> list[dict[str, Any]]:
        described = [_described(item, names, says, linked, uses, of_members) for item in made]
        return _ranked(_titled_apart(described, made, names), work_rules)

    of_occupation = {code: ranked(made, 0) for code, made in clusters.items()}
    rows: list[dict[str, Any]] = []
    for role_id, codes in sorted(_column_map(roles, "role_id", "onet_soc_codes").items()):
        members = [code for code in codes if code in by_occupation]
        if len(members) > 1:
            tasks_of_all = [task for code in members for task in by_occupation[code]]
            found = ranked(_of_group(tasks_of_all), len(members))
        else:
            # A group of one occupation has that occupation's workflows, as its own.
            found = [row for code in members for row in of_occupation[code]]
        rows += [
            {**row, "role_id": role_id, "workflow_id": f"{role_id}:{row['workflow_id']}"}
            for row in found
        ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(Workflows))


# ------------------------------------------------------------------------------- evidence per task


def placed_usage(con: Connection, occupation_tasks: pa.Table, task_exposure: pa.Table) -> pa.Table:
    """Economic Index usage on today's tasks: ``task_id``, ``usage_pct``, ``names``, provenance.

    Usage was released for O*NET 20.1. A task of then is a task of today where the id is the same
    and the crosswalk takes its occupation there; or, where ids have changed, where occupation (by
    crosswalk) and text have not. Usage of a task that became several is split equally. What finds
    no task of today stays unplaced: no code or text is guessed.
    """
    return query(
        con,
        """
        WITH used AS (
          SELECT *, string_split(onet_soc_2019_codes, ',') AS codes FROM task_exposure
        ),
        by_id AS (
          SELECT u.task_id AS old_id, o.task_id
          FROM used u JOIN occupation_tasks o
            ON o.task_id = u.task_id AND list_contains(u.codes, o.onet_soc_code)
        ),
        by_text AS (
          SELECT u.task_id AS old_id, o.task_id
          FROM used u JOIN occupation_tasks o
            ON lower(trim(o.task)) = u.task_name AND list_contains(u.codes, o.onet_soc_code)
          WHERE u.task_id NOT IN (SELECT old_id FROM by_id)
        ),
        placed AS (
          SELECT *, count(*) OVER (PARTITION BY old_id) AS parts
          FROM (FROM by_id UNION FROM by_text)
        )
        SELECT p.task_id, round(fsum(u.usage_pct / p.parts), 12) AS usage_pct,
               list_sort(list(DISTINCT u.task_name)) AS names,
               any_value(u.usage_release) AS usage_release,
               joined_classes(list(u.source_class)) AS source_class,
               strictest_use(list(u.allowed_use)) AS allowed_use
        FROM placed p JOIN used u ON u.task_id = p.old_id
        GROUP BY p.task_id ORDER BY p.task_id
        """,
        occupation_tasks=occupation_tasks,
        task_exposure=task_exposure,
    )


def _column_map(frame: pa.Table, key: str, value: str) -> dict[str, Any]:
    return dict(zip(frame[key].to_pylist(), frame[value].to_pylist(), strict=True))


def _lines(seen: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys into ``economic_index_usage`` of a row of ``placed_usage``."""
    return tuple(f"{seen['usage_release']}|{name}" for name in seen["names"])


def _tasks(
    occupation_tasks: pa.Table,
    task_work_activities: pa.Table,
    work_activities: pa.Table,
    task_ratings: pa.Table,
    used: pa.Table,
    work_rules: WorkRules,
) -> list[Task]:
    """Every task with its ties and its evidence, in order of id."""
    activity = {row["dwa_id"]: row for row in work_activities.to_pylist()}
    dwas: dict[int, set[str]] = defaultdict(set)
    for row in task_work_activities.to_pylist():
        if row["dwa_id"] in activity:
            dwas[row["task_id"]].add(row["dwa_id"])
    importance: dict[int, float] = {}
    times: dict[int, float] = defaultdict(float)
    rating_sources: dict[int, tuple[str, str]] = {}
    for row in task_ratings.to_pylist():
        if row["is_suppress_recommended"] or row["scale_id"] == "RT":
            continue
        rating_sources[row["task_id"]] = (row["source_class"], row["allowed_use"])
        if row["scale_id"] == "IM":
            importance[row["task_id"]] = round((row["data_value"] - 1) * 25, 6)
        elif row["category"] is not None:
            share = row["data_value"] / 100
            times[row["task_id"]] += share * work_rules.times_a_year[row["category"]]
    usage = {row["task_id"]: row for row in used.to_pylist()}
    tasks = []
    for row in sorted(occupation_tasks.to_pylist(), key=lambda item: int(item["task_id"])):
        task_id = row["task_id"]
        own = dwas.get(task_id, set())
        seen = usage.get(task_id)
        classes, uses = [row["source_class"]], [row["allowed_use"]]
        if seen:
            classes.append(seen["source_class"])
            uses.append(seen["allowed_use"])
        if task_id in rating_sources:
            classes.append(rating_sources[task_id][0])
            uses.append(rating_sources[task_id][1])
        tasks.append(
            Task(
                task_id=task_id,
                onet_soc_code=row["onet_soc_code"],
                text=row["task"],
                said=" ".join(
                    [row["task"], *(activity[item]["dwa_title"] for item in sorted(own))]
                ),
                task_type=row["task_type"],
                importance=importance.get(task_id),
                times_a_year=round(times[task_id], 6) if task_id in times else None,
                usage_pct=seen["usage_pct"] if seen else None,
                usage_names=_lines(seen) if seen else (),
                ties={
                    ClusterBasis.DWA: frozenset(own),
                    ClusterBasis.IWA: frozenset(activity[item]["iwa_id"] for item in own),
                    ClusterBasis.ELEMENT: frozenset(activity[item]["element_id"] for item in own),
                    ClusterBasis.ELEMENT_GROUP: frozenset(
                        activity[item]["element_id"].rpartition(".")[0] for item in own
                    ),
                },
                provenance=(tuple(classes), tuple(uses)),
            )
        )
    return tasks


# ------------------------------------------------------------------------------------- clustering


def cluster(tasks: Sequence[Task]) -> list[Cluster]:
    """The tasks of one occupation as workflows, at least three where it has three tasks."""
    made: list[Cluster] = []
    for widest in range(len(_TIES), -1, -1):
        made = _covered(tasks, _TIES[:widest])
        if len(made) >= FEWEST_WORKFLOWS:
            break
    return made


_TIES = (ClusterBasis.DWA, ClusterBasis.IWA, ClusterBasis.ELEMENT, ClusterBasis.ELEMENT_GROUP)

_Made = list[tuple[ClusterBasis, str, list[Task]]]


def _covered(tasks: Sequence[Task], kinds: Sequence[ClusterBasis]) -> list[Cluster]:
    left = {task.task_id: task for task in tasks}
    made: _Made = []
    for kind in kinds:
        if kind in _FEWEST_SHARING:
            _cover(left, kind, made)
        if kind is ClusterBasis.ELEMENT:
            _join(left, kind, made)
        if kind is ClusterBasis.ELEMENT_GROUP:
            _gather(left, made)
            _join(left, kind, made)
    clusters = [_cluster(kind, tie, items) for kind, tie, items in made]
    return clusters + [_alone(task) for task in left.values()]


def _cover(left: dict[int, Task], kind: ClusterBasis, made: _Made) -> None:
    """Move tasks of ``left`` into workflows by the tie of ``kind`` that most of them share."""
    while True:
        largest = _most_shared(left.values(), kind)
        if largest is None or len(largest[1]) < _FEWEST_SHARING[kind]:
            return
        made.append((kind, *largest))
        for task in largest[1]:
            del left[task.task_id]


def _gather(left: dict[int, Task], made: _Made) -> None:
    """Move tasks of ``left`` into small workflows by groups of elements."""
    kind = ClusterBasis.ELEMENT_GROUP
    while (largest := _most_shared(left.values(), kind)) and len(largest[1]) > 1:
        tie, items = largest
        nearby = sorted(
            items, key=lambda task: (min(task.ties[ClusterBasis.ELEMENT]), task.task_id)
        )
        taken = nearby[:MOST_OF_ELEMENT_GROUP]
        made.append((kind, tie, taken))
        for task in taken:
            del left[task.task_id]


def _most_shared(tasks: Iterable[Task], kind: ClusterBasis) -> tuple[str, list[Task]] | None:
    sharing: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        for tie in task.ties[kind]:
            sharing[tie].append(task)
    return min(sharing.items(), key=lambda item: (-len(item[1]), item[0]), default=None)


def _join(left: dict[int, Task], kind: ClusterBasis, made: _Made) -> None:
    """Move each task of ``left`` to the workflow most of whose tasks share a tie of ``kind``."""
    for task in list(left.values()):
        best: tuple[float, list[Task]] | None = None
        for _, _, items in made:
            shared = sum(bool(task.ties[kind] & item.ties[kind]) for item in items)
            if shared and len(items) < MOST_JOINED and (not best or shared / len(items) > best[0]):
                best = (shared / len(items), items)
        if best:
            best[1].append(left.pop(task.task_id))


def _cluster(kind: ClusterBasis, tie: str, tasks: Sequence[Task]) -> Cluster:
    """The workflow of ``tasks``; tasks that joined it later may have widened what they share."""
    items = tuple(sorted(tasks, key=lambda task: task.task_id))
    if kind in (ClusterBasis.DWA, ClusterBasis.IWA) and all(tie in t.ties[kind] for t in items):
        return Cluster(kind, (tie,), items)
    # The activities are what it stands on; elements have no titles of their own in the tables.
    ids = sorted({iwa for task in items for iwa in task.ties[ClusterBasis.IWA]})
    shared = frozenset.intersection(*(task.ties[ClusterBasis.ELEMENT] for task in items))
    basis = ClusterBasis.ELEMENT if shared else ClusterBasis.ELEMENT_GROUP
    return Cluster(basis, tuple(ids), items)


def _alone(task: Task) -> Cluster:
    ids = tuple(sorted(task.ties[ClusterBasis.DWA]))
    return Cluster(ClusterBasis.DWA if ids else ClusterBasis.TASK, ids, (task,))


def _of_group(tasks: Sequence[Task]) -> list[Cluster]:
    """Workflows of a role of several occupations: IWAs, the most widely shared first.

    Tasks may be in several: what is asked is what members have in common. IWAs of a single
    occupation come in only where fewer than three are shared.
    """
    sharing: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        for iwa in task.ties[ClusterBasis.IWA]:
            sharing[iwa].append(task)
    counted = sorted(
        (-len({task.onet_soc_code for task in items}), -len(items), iwa)
        for iwa, items in sharing.items()
    )
    shared = [iwa for members, _, iwa in counted if members <= -2]
    if len(shared) < FEWEST_WORKFLOWS:
        shared = [iwa for *_, iwa in counted[:FEWEST_WORKFLOWS]]
    return [
        Cluster(ClusterBasis.IWA, (iwa,), tuple(sorted(sharing[iwa], key=lambda t: t.task_id)))
        for iwa in shared[:MOST_IN_GROUP]
    ]


# ----------------------------------------------------------------------------------- authored rules


def fired(rules: Iterable[TaskRule], tasks: Sequence[tuple[int, str, str]]) -> dict[str, set[int]]:
    """Ids of the tasks that fire each rule.

    Args:
        rules: the rules.
        tasks: id, occupation code and text of each task.
    """
    ids = [task_id for task_id, _, _ in tasks]
    codes = pa.array([code for _, code, _ in tasks], pa.string())
    texts = pa.array([text for _, _, text in tasks], pa.string())
    found = {}
    for rule in rules:
        holds = pa.array([True] * len(ids))
        if rule.words:
            pattern = "|".join(rf"\b(?:{word})\b" for word in rule.words)
            holds = pc.match_substring_regex(texts, pattern, ignore_case=True)
        if rule.soc:
            start = "^(?:" + "|".join(re.escape(code) for code in rule.soc) + ")"
            holds = pc.and_(holds, pc.match_substring_regex(codes, start))
        found[rule.id] = {ids[place] for place in pc.indices_nonzero(holds).to_pylist()}
    return found


class _Rules:
    """Deliverables, pain points and accountability by what fires on a workflow's tasks."""

    def __init__(self, tasks: Sequence[Task], work_rules: WorkRules) -> None:
        document = work_rules
        self._work_rules = document
        described = [*document.deliverables, *document.pain_points]
        said = [(task.task_id, task.onet_soc_code, task.said) for task in tasks]
        stated = [(task.task_id, task.onet_soc_code, task.text) for task in tasks]
        found = fired(described, said) | fired(document.accountability, stated)
        self._text = {rule.id: rule.text for rule in (*described, *document.accountability)}
        self._kind = {
            "deliverables": [rule.id for rule in document.deliverables],
            "pain_points": [rule.id for rule in document.pain_points],
            "accountability": [rule.id for rule in document.accountability],
        }
        self._of_task: dict[int, list[str]] = defaultdict(list)
        for rule, task_ids in found.items():
            for task_id in task_ids:
                self._of_task[task_id].append(rule)

    def texts(self, kind: str, tasks: Sequence[Task]) -> list[str]:
        """Texts of the rules that fire on any of ``tasks``, those on most first, at most five."""
        return [self._text[rule] for rule, _ in self._counted(kind, tasks)[:MOST_TEXTS]]

    def accountable(self, tasks: Sequence[Task]) -> str:
        """The rule that fires on most of ``tasks``, and on a third at least; else the general."""
        counted = self._counted("accountability", tasks)
        if counted and 3 * counted[0][1] >= len(tasks):
            return self._text[counted[0][0]]
        return self._work_rules.always.own_result

    def _counted(self, kind: str, tasks: Sequence[Task]) -> list[tuple[str, int]]:
        """Rules of ``kind`` that fire, with on how many tasks; of equals the first authored."""
        counts = Counter(rule for task in tasks for rule in self._of_task.get(task.task_id, ()))
        found = [(rule, counts[rule]) for rule in self._kind[kind] if counts[rule]]
        return sorted(found, key=lambda item: -item[1])


# ------------------------------------------------------------------------------------------- GDPval

_WORD = re.compile(r"[a-z]{4,}")
_SUFFIXES = ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ed", "es", "s")


def content_words(text: str) -> set[str]:
    """Words of four letters and more, without their commonest endings."""
    words = set()
    for word in _WORD.findall(text.casefold()):
        for suffix in _SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= 4:
                word = word[: -len(suffix)]
                break
        words.add(word)
    return words


def _gdpval_links(
    gdpval_tasks: pa.Table,
    gdpval_task_map: pa.Table,
    roles: pa.Table,
    clusters: Mapping[str, Sequence[Cluster]],
    work_rules: WorkRules,
) -> dict[int, list[str]]:
    """O*NET task id -> GDPval tasks that are most like it, within the occupation they are for.

    GDPval names occupations, not tasks. Its prompt is compared with the tasks of that occupation by
    the rarity of the content words they share; the workflow that shares most holds it, on the task
    that shares most. Fewer shared words than authored: no link. A GDPval task of a broad group is
    looked for in each of its occupations.
    """
    members = dict(
        zip(roles["role_id"].to_pylist(), roles["onet_soc_codes"].to_pylist(), strict=True)
    )
    words = {
        task.task_id: content_words(task.text)
        for items in clusters.values()
        for item in items
        for task in item.tasks
    }
    seen = Counter(word for found in words.values() for word in found)
    rarity = {word: math.log(len(words) / count) for word, count in seen.items()}
    prompts = dict(
        zip(gdpval_tasks["task_id"].to_pylist(), gdpval_tasks["prompt"].to_pylist(), strict=True)
    )

    def weight(shared: set[str]) -> float:
        return round(math.fsum(sorted(rarity[word] for word in shared)), 9)

    links: dict[int, list[str]] = defaultdict(list)
    for row in sorted(gdpval_task_map.to_pylist(), key=lambda item: str(item["task_id"])):
        asked = content_words(prompts.get(row["task_id"], ""))
        for code in members.get(row["soc_code"], ()):
            best: tuple[float, int] | None = None
            for item in clusters.get(code, ()):
                own = set().union(*(words[task.task_id] for task in item.tasks))
                shared = own & asked
                if len(shared) < work_rules.gdpval_shared_words:
                    continue
                # A workflow of many tasks has more words to share: by the root of their number.
                likeness = round(weight(shared) / math.sqrt(len(own)), 9)
                if best is None or likeness > best[0]:
                    closest = max(
                        item.tasks,
                        key=lambda task: (weight(words[task.task_id] & asked), -task.task_id),
                    )
                    best = (likeness, closest.task_id)
            if best is not None:
                links[best[1]].append(row["task_id"])
    return dict(links)


# ----------------------------------------------------------------------------------- rows and ranks


def _described(
    item: Cluster,
    names: Mapping[str, str],
    says: _Rules,
    linked: Mapping[int, Sequence[str]],
    gdpval_use: str,
    of_members: int,
) -> dict[str, Any]:
    """A row without role, rank and score; its id lacks the role's.

    ``of_members`` is how many occupations a group has; 0 for one occupation's own workflow.
    """
    tasks = item.tasks
    core = sum(task.task_type == "Core" for task in tasks)
    listed = _listed(tasks) if of_members else list(tasks)
    members = len({task.onet_soc_code for task in tasks})
    importance, basis = (
        (round(100 * members / of_members, 6), "members")
        if of_members
        else _importance(tasks, core)
    )
    times = [task.times_a_year for task in tasks if task.times_a_year is not None]
    lines = sorted({line for task in tasks for line in task.usage_names})
    usage = [task.usage_pct for task in tasks if task.usage_pct is not None]
    gdpval = sorted({name for task in tasks for name in linked.get(task.task_id, ())})
    classes = {name for task in tasks for name in task.provenance[0]} | {str(SourceClass.INTERNAL)}
    uses = {name for task in tasks for name in task.provenance[1]}
    if gdpval:
        classes.add(str(SourceClass.BENCHMARK))
        uses.add(gdpval_use)
    ids = [task.task_id for task in listed]
    made_from = item.activity_ids or tuple(str(task.task_id) for task in tasks)
    # Two workflows may stand on the same activities: an occupation's also hold their tasks.
    digested = (*made_from, *(() if of_members else (str(task.task_id) for task in tasks)))
    digest = hashlib.sha256("|".join(digested).encode()).hexdigest()[:8]
    return {
        "workflow_id": digest,
        "cluster_basis": str(item.basis),
        "work_activity_ids": list(item.activity_ids),
        "task_ids": sorted(ids),
        "task_count": len(tasks),
        "core_task_count": core,
        "member_count": members,
        "importance": importance,
        "importance_basis": basis,
        "frequency": max(times) if times else None,
        "frequency_basis": "task_ratings" if times else NO_EVIDENCE,
        "usage_pct": round(min(math.fsum(usage), 100.0), 9) if usage else None,
        "usage_release": lines[0].partition("|")[0] if lines else None,
        "economic_index_tasks": [line.partition("|")[2] for line in lines],
        "gdpval_task_ids": gdpval,
        "deliverables": says.texts("deliverables", listed),
        "pain_points": says.texts("pain_points", listed),
        "human_accountability": says.accountable(listed),
        "evidence_refs": [
            *(f"occupation_tasks:{task_id}" for task_id in sorted(ids)),
            *(f"economic_index_usage:{line}" for line in lines),
            *(f"gdpval_tasks:{name}" for name in gdpval),
        ],
        "source_class": joined_classes(classes),
        "allowed_use": strictest_use(uses),
        "workflow_title": _title(item, names),
    }


def _listed(tasks: Sequence[Task]) -> list[Task]:
    """The tasks a group's workflow names: with usage, Core, then by id; bounded."""
    order = sorted(
        tasks, key=lambda task: (-(task.usage_pct or 0), task.task_type != "Core", task.task_id)
    )
    return order[:MOST_TASKS_LISTED]


def _importance(tasks: Sequence[Task], core: int) -> tuple[float | None, str]:
    rated = [task.importance for task in tasks if task.importance is not None]
    if rated:
        return round(math.fsum(rated) / len(rated), 6), "task_ratings"
    typed = sum(task.task_type is not None for task in tasks)
    if typed:
        return round(100 * core / typed, 6), "task_type"
    return None, NO_EVIDENCE


def _title(item: Cluster, names: Mapping[str, str]) -> str:
    """Title of the activity that holds most tasks: the closest, where it holds them all."""
    if item.basis is ClusterBasis.TASK:
        return short_title(item.tasks[0].text)
    if item.basis in (ClusterBasis.ELEMENT, ClusterBasis.ELEMENT_GROUP):
        return short_title(names[_commonest(item, ClusterBasis.IWA)])
    if item.basis is ClusterBasis.IWA:
        dwa = _commonest(item, ClusterBasis.DWA)
        holds_all = all(dwa in task.ties[ClusterBasis.DWA] for task in item.tasks)
        return short_title(names[dwa if holds_all else item.activity_ids[0]])
    return short_title(names[item.activity_ids[0]])


def _commonest(item: Cluster, kind: ClusterBasis) -> str:
    """The activity most tasks have; of several the one with more Core tasks, then more usage."""
    found: dict[str, list[Task]] = defaultdict(list)
    for task in item.tasks:
        for tie in task.ties[kind]:
            found[tie].append(task)

    def order(tie: str) -> tuple[int, int, float, str]:
        tasks = found[tie]
        core = sum(task.task_type == "Core" for task in tasks)
        usage = math.fsum(task.usage_pct or 0 for task in tasks)
        return (-len(tasks), -core, -usage, tie)

    return min(found, key=order)


def _titled_apart(
    rows: list[dict[str, Any]], made: Sequence[Cluster], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Rows of one role with a title each of its own, as far as its detailed activities have one."""
    taken: set[str] = set()
    for row, item in zip(rows, made, strict=True):
        if row["workflow_title"] in taken:
            counts = Counter(dwa for task in item.tasks for dwa in task.ties[ClusterBasis.DWA])
            for dwa in sorted(counts, key=lambda tie: (-counts[tie], tie)):
                if short_title(names[dwa]) not in taken:
                    row["workflow_title"] = short_title(names[dwa])
                    break
        taken.add(row["workflow_title"])
    return rows


def short_title(text: str) -> str:
    """``text`` without its full stop; a long one up to the last whole word within 80 letters."""
    text = text.strip().rstrip(".")
    if len(text) <= _SHORT_TITLE:
        return text
    return text[:_SHORT_TITLE].rsplit(" ", 1)[0].rstrip(",;") + " ..."


def _ranked(rows: list[dict[str, Any]], work_rules: WorkRules) -> list[dict[str, Any]]:
    """Rows of one role with rank, score and ``is_top``.

    Each part is brought to 0-1 within the role: importance as it is, usage and size by the largest,
    frequency by the largest on a log scale. A part that no workflow of the role has evidence for
    drops out, and the other weights count for more; where only some have it, the others get none.
    """
    weights = work_rules.ranking
    largest = {
        name: max((row[name] or 0 for row in rows), default=0)
        for name in ("usage_pct", "frequency", "task_count")
    }
    for row in rows:
        parts = [(weights.size, row["task_count"] / largest["task_count"])]
        if any(item["importance"] is not None for item in rows):
            parts.append((weights.importance, (row["importance"] or 0) / 100))
        if largest["usage_pct"]:
            parts.append((weights.usage, (row["usage_pct"] or 0) / largest["usage_pct"]))
        if largest["frequency"]:
            times = math.log1p(row["frequency"] or 0) / math.log1p(largest["frequency"])
            parts.append((weights.frequency, times))
        total = math.fsum(weight for weight, _ in parts)
        row["score"] = round(math.fsum(weight * part for weight, part in parts) / total, 9)
    rows.sort(key=lambda row: (-row["score"], row["workflow_id"]))
    for rank, row in enumerate(rows, start=1):
        row["rank"] = rank
        row["is_top"] = rank <= TOP
    return rows
