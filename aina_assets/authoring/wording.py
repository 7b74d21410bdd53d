"""Prompts as they are sent: a template with its rules, rubrics and shared texts filled in.

Belongs here: what a skill is told. Stays out: what it is told it about, which is its input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from aina_assets.authoring.config import PLACEHOLDER, Configuration
from aina_assets.contracts.errors import AuthoredDocumentError

DOMAIN_RULES = "domain_rules"
RUBRIC_SECTION = "rubric_section"
REFINE_ENTRY = "refine_entry"
"""The shared text that follows a prompt when one entry is to be rewritten."""

_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_FENCED = re.compile(r"(```.*?```)", re.DOTALL)


def prompt(
    config: Configuration,
    template: str,
    lane: str,
    *,
    domain_code: str | None = None,
    one_entry: bool = False,
    values: Mapping[str, str] | None = None,
) -> str:
    """What the skill behind ``template`` is told in ``lane``.

    Args:
        config: rubrics, rules and templates.
        template: name of the prompt.
        lane: lane in which it is sent.
        domain_code: of a prompt over scoring rubrics, the domain to quote; all of them by default.
        one_entry: one entry is to be rewritten, and nothing else.
        values: what fills variables that are computed, such as ``pacing_state``.

    Raises:
        AuthoredDocumentError: there is no such prompt in that lane, or nothing fills a variable.
    """
    one = config.template_by_name.get(template)
    if one is None or lane not in one.lanes:
        raise AuthoredDocumentError(
            expected=f"one of {', '.join(t.name for t in config.templates if lane in t.lanes)}",
            found=repr(template),
            where=f"prompts of lane {lane!r}",
            remedy="name a prompt of data/authoring/prompts and one of its lanes",
        )
    filled = _fillers(config, template, lane, domain_code) | dict(values or {})
    empty = sorted(set(one.placeholders) - set(filled))
    if empty:
        raise AuthoredDocumentError(
            expected=f"a value for {', '.join(empty)}",
            found="none",
            where=f"data/authoring/prompts/{template}.md",
            remedy="hand over what is computed, or take the variable out of the prompt",
        )
    # One pass: braces inside a value are text.
    text = PLACEHOLDER.sub(lambda found: filled[found[1]], one.body)
    return f"{text}\n\n{config.shared[REFINE_ENTRY]}" if one_entry else text


def _fillers(
    config: Configuration, template: str, lane: str, domain_code: str | None
) -> dict[str, str]:
    skill = config.template_by_name[template].skill(lane)
    rules = [_demoted(rule.text) for rule in config.rules_for(skill)]
    rubrics = config.rubrics_for(template, lane, domain_code=domain_code)
    quoted = [_quoted(one.title, one.text) for one in rubrics]
    by_rubric = {one.name: _quoted(one.title, one.text) for one in config.rubrics}
    texts = {name: text for name, text in config.shared.items() if name != REFINE_ENTRY}
    own = {DOMAIN_RULES: "\n\n".join(rules), RUBRIC_SECTION: "\n\n".join(quoted)}
    return {name: text for name, text in (by_rubric | texts | own).items() if text}


def _quoted(title: str, text: str) -> str:
    return f"### {title}\n\n```yaml\n{text}\n```"


def _demoted(text: str) -> str:
    """``text`` with its headings two steps down, code aside."""
    parts = _FENCED.split(text)
    return "".join(
        part if part.startswith("```") else _HEADING.sub(r"##\1 ", part) for part in parts
    )
