"""Two more measures of AI exposure, in the layout of their public repositories.

`Working with AI` is built from its published formula, so that a reader who recomputes it finds
exactly these scores; `GPTs are GPTs` labels tasks and averages them by occupation.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aina_assets_tests.sample_world.files import Row, write_delimited
from aina_assets_tests.sample_world.world import Task, World, rng

SHARE_THRESHOLD = 0.0005
SIDES = ("user", "ai")
HANDS_ON = {"phy", "drv"}
EXPOSURE = {"E0": (0.0, 0.0, 0.0), "E1": (1.0, 1.0, 1.0), "E2": (0.0, 0.5, 1.0)}
AUTOMATION = {"T0": 0.0, "T1": 0.25, "T2": 0.5, "T3": 0.75, "T4": 1.0}


@dataclass(frozen=True)
class Metric:
    """How one activity shows up on one side (user goals or AI actions) of conversations."""

    share: float
    completion: float | None
    scope: float | None
    feedback: float | None

    @property
    def coverage(self) -> float:
        return float(self.share >= SHARE_THRESHOLD)

    @property
    def product(self) -> float:
        return (self.completion or 0.0) * (self.scope or 0.0) * self.coverage


def write(world: World, folder: Path) -> None:
    _working_with_ai(world, folder / "microsoft" / "working-with-ai")
    _gpts_are_gpts(world, folder / "openai" / "GPTs-are-GPTs")


def _metrics(world: World, side: str) -> dict[str, Metric]:
    random = rng(f"activity metrics {side}")
    shares = {}
    for activity in world.activities:
        hands_on = activity.key in HANDS_ON
        shares[activity.id] = random.uniform(0.0, 0.003) if hands_on else random.expovariate(1)
    silent = next(a.id for a in world.activities if a.key == "drv") if side == "ai" else ""
    shares |= {silent: 0.0} if silent else {}
    total = sum(shares.values())
    metrics = {}
    for iwa, share in shares.items():
        drawn = (random.uniform(0.74, 0.95), random.uniform(0.2, 0.85), random.uniform(0.55, 0.75))
        known = drawn if share else (None, None, None)
        metrics[iwa] = Metric(share / total, *known)
    return metrics


def _weights(world: World, soc: str) -> dict[str, float]:
    """An activity weighs more the more tasks of the occupation use it; other ones weigh nothing."""
    random = rng(f"activity weights {soc}")
    weights = dict.fromkeys((activity.id for activity in world.activities), 0.0)
    for task in world.tasks_of_soc(soc):
        for dwa in task.dwas:
            weights[dwa.rsplit(".", 1)[0]] += random.uniform(4, 22)
    return weights


def _working_with_ai(world: World, folder: Path) -> None:
    metrics = {side: _metrics(world, side) for side in SIDES}
    weights = {soc: _weights(world, soc) for soc in world.detailed_socs}
    iwas = [activity.id for activity in world.activities]

    def pairs(*names: str) -> list[str]:
        return [f"{name}_{side}" for name in names for side in SIDES]

    measured = ("completion", "impact_scope", "feedback_positive_fraction")
    write_delimited(
        folder / "iwa_metrics.csv",
        ("IWA", "title", *pairs("share", *measured, "completion_x_scope_x_coverage")),
        (
            (
                activity.id,
                activity.title,
                *(metrics[side][activity.id].share for side in SIDES),
                *(metrics[side][activity.id].completion for side in SIDES),
                *(metrics[side][activity.id].scope for side in SIDES),
                *(metrics[side][activity.id].feedback for side in SIDES),
                *(metrics[side][activity.id].product for side in SIDES),
            )
            for activity in world.activities
        ),
    )
    write_delimited(
        folder / "soc_to_iwas.csv",
        ("SOC Code", "IWA"),
        ((soc, iwa) for soc in weights for iwa in iwas if weights[soc][iwa]),
    )
    write_delimited(
        folder / "soc_iwa_weights.csv",
        ("SOC Code", *iwas),
        ((soc, *(weights[soc][iwa] for iwa in iwas)) for soc in weights),
    )

    def mean(soc: str, side: str, name: str) -> float:
        weight = weights[soc]
        values = {iwa: getattr(metrics[side][iwa], name) or 0.0 for iwa in iwas}
        return math.fsum(weight[i] * values[i] for i in iwas) / math.fsum(weight.values())

    fields = ("coverage", "completion", "feedback", "scope", "product")
    averages = {
        soc: [mean(soc, side, field) for field in fields for side in SIDES] for soc in weights
    }
    write_delimited(
        folder / "soc_metrics.csv",
        (
            "SOC Code",
            "title",
            *pairs("coverage", "completion", "feedback_positive_fraction", "impact_scope"),
            *pairs("ai_applicability_score"),
        ),
        ((soc, title, *averages[soc]) for soc, title in world.detailed_socs.items()),
    )
    write_delimited(
        folder / "soc_ai_applicability_scores.csv",
        ("SOC Code", "title", "ai_applicability_score"),
        (
            (soc, title, (averages[soc][-2] + averages[soc][-1]) / 2)
            for soc, title in world.detailed_socs.items()
        ),
    )


@dataclass(frozen=True)
class Label:
    human: str
    model: str
    model_alternative: str
    automation: str
    relevant: bool


def _label(world: World, task: Task) -> Label:
    random = rng(f"exposure label {task.code} {task.text}")
    keys = {a.key for a in world.activities for d in a.details if d.id in task.dwas}
    odds = (9, 0.2, 0.8) if keys & HANDS_ON else (3, 2, 5)
    model = random.choices(tuple(EXPOSURE), odds)[0]
    human = model if random.random() < 0.65 else random.choices(tuple(EXPOSURE), odds)[0]
    other = model if random.random() < 0.8 else random.choice(tuple(EXPOSURE))
    steps = (6, 2, 0, 0, 0) if model == "E0" else (2, 4, 3, 2, 0.2)
    automation = random.choices(tuple(AUTOMATION), steps)[0]
    return Label(human, model, other, automation, model == "E1" and random.random() < 0.7)


def _gpts_are_gpts(world: World, folder: Path) -> None:
    labels = {task.id: _label(world, task) for task in world.tasks}
    write_delimited(
        folder / "full_labelset.tsv",
        (
            *("", "O*NET-SOC Code", "Task ID", "Task", "Task Type", "Title", "human_exposure_agg"),
            *("gpt4_exposure", "gpt4_exposure_alt_rubric", "gpt_3_relevant", "gpt4_automation"),
            *("alpha", "beta", "gamma", "automation", "human_labels"),
        ),
        _label_rows(world, labels),
        delimiter="\t",
    )
    write_delimited(
        folder / "occ_level.csv",
        (
            *("O*NET-SOC Code", "Title", "dv_rating_alpha", "dv_rating_beta", "dv_rating_gamma"),
            *("human_rating_alpha", "human_rating_beta", "human_rating_gamma"),
        ),
        (
            (
                *(occupation.code, occupation.title),
                *_rating(occupation.tasks, {t.id: labels[t.id].model for t in occupation.tasks}),
                *_rating(occupation.tasks, {t.id: labels[t.id].human for t in occupation.tasks}),
            )
            for occupation in world.occupations
        ),
    )


def _label_rows(world: World, labels: dict[int, Label]) -> Iterator[Row]:
    for number, task in enumerate(world.tasks):
        label = labels[task.id]
        yield (
            *(number, task.code, float(task.id), task.text, task.type),
            *(world.by_code[task.code].title, label.human, label.model, label.model_alternative),
            *(str(label.relevant), label.automation, *EXPOSURE[label.model]),
            *(AUTOMATION[label.automation], label.human),
        )


def _rating(tasks: tuple[Task, ...], labels: dict[int, str]) -> list[float]:
    """Alpha, beta, gamma of an occupation: core tasks weigh 1, all others 0.5."""
    weights = {task.id: 1.0 if task.type == "Core" else 0.5 for task in tasks}
    return [
        math.fsum(weights[task.id] * EXPOSURE[labels[task.id]][place] for task in tasks)
        / math.fsum(weights.values())
        for place in range(3)
    ]
