"""Time: a module's minutes against the lesson, an applet's seconds against its place.

Belongs here: sums, guardrails and the slides that touch one; code's alone, no model adds up.
Stays out: what to do about it (a prompt, or the drafter).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aina_assets.authoring.rules import AppletTime, PacingRules

_PASSIVE = ("listen", "watch", "look", "read")


def pacing_state(
    slides: Sequence[Mapping[str, Any]], lesson_minutes: int, rules: PacingRules
) -> dict[str, Any]:
    """Budget, minutes so far, and every slide at which a guardrail is touched.

    Args:
        slides: with ``slide_no``; minutes, acts and response modes where they are known.
        lesson_minutes: length of the lesson.
        rules: the guardrails.
    """
    minutes = {slide["slide_no"]: _count(slide.get("minutes")) for slide in slides}
    total = sum(minutes.values())
    low, high = rules.min_share * lesson_minutes, rules.max_share * lesson_minutes
    is_timed = bool(slides) and all(minutes.values())
    touched = [
        {"guardrail": "slide_too_long", "slides": [number], "value": value}
        for number, value in minutes.items()
        if value > rules.max_slide_minutes
    ]
    untimed = [number for number, value in minutes.items() if not value]
    if untimed and len(untimed) < len(minutes):
        touched.append({"guardrail": "no_minutes", "slides": untimed, "value": 0})
    if total > high:
        touched.append({"guardrail": "over_the_lesson", "slides": [], "value": total - int(high)})
    if is_timed and total < low:
        touched.append({"guardrail": "under_the_lesson", "slides": [], "value": total})
    touched += [
        {"guardrail": "passive_run", "slides": run, "value": len(run)}
        for run in passive_runs(slides)
        if len(run) > rules.max_passive_run
    ]
    return {
        "lesson_minutes": lesson_minutes,
        "min_minutes": round(low, 1),
        "max_minutes": round(high, 1),
        "minutes_so_far": total,
        "touched": touched,
    }


def passive_runs(slides: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Runs of slides without an act of every student; slides whose acts are not known: none."""
    runs: list[list[int]] = [[]]
    for slide in slides:
        if "student_action" in slide and is_passive(slide):
            runs[-1].append(slide["slide_no"])
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def is_passive(slide: Mapping[str, Any]) -> bool:
    """Whether nothing is asked of every student there."""
    action = str(slide.get("student_action") or "").strip().lower()
    return not slide.get("response_mode") or not action or action.startswith(_PASSIVE)


def shared_minutes(roles: Sequence[str], lesson_minutes: int, rules: PacingRules) -> list[int]:
    """Whole minutes for slides of these roles: the planned share, at least one each."""
    budget = max(int(rules.planned_share * lesson_minutes), len(roles))
    weights = [rules.weights.get(role, 1) for role in roles]
    shares = [(budget - len(roles)) * weight / sum(weights) for weight in weights]
    minutes = [1 + int(share) for share in shares]
    rest = budget - sum(minutes)
    largest = sorted(range(len(roles)), key=lambda i: (int(shares[i]) - shares[i], i))
    for index in largest[:rest]:
        minutes[index] += 1
    return [min(value, rules.max_slide_minutes) for value in minutes]


def screen_seconds(screen: Mapping[str, Any]) -> int:
    """Seconds of one screen."""
    estimate = screen.get("time_estimate")
    parts = estimate if isinstance(estimate, Mapping) else {}
    return sum(
        _count(parts.get(part))
        for part in ("thinking_seconds", "interaction_seconds", "feedback_seconds")
    )


def applet_time_faults(screens: Sequence[Mapping[str, Any]], rules: AppletTime) -> list[str]:
    """What keeps an applet from fitting its place."""
    seconds = {screen["screen_no"]: screen_seconds(screen) for screen in screens}
    total = sum(seconds.values())
    faults = [
        f"screen {number} takes {value} seconds"
        for number, value in seconds.items()
        if value > rules.max_screen_seconds
    ]
    if not rules.min_seconds <= total <= rules.max_seconds:
        faults.append(f"all screens take {total} seconds")
    return faults


def minutes_faults(
    slides: Sequence[Mapping[str, Any]], lesson_minutes: int, rules: PacingRules
) -> list[str]:
    """What keeps a module from fitting its lesson."""
    total = sum(_count(slide.get("minutes")) for slide in slides)
    faults = [
        f"slide {slide['slide_no']} has no minutes"
        for slide in slides
        if not _count(slide.get("minutes"))
    ]
    low, high = rules.min_share * lesson_minutes, rules.max_share * lesson_minutes
    if not low <= total <= high:
        faults.append(f"the slides take {total} minutes of a lesson of {lesson_minutes}")
    return faults


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
