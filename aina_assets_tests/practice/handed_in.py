"""Submissions for one module, written for these tests: passing, partial, failing and unsafe.

The people, firms and figures in them do not exist.
"""

from __future__ import annotations

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.curriculum.modules import read_module
from aina_assets.practice.policy import PracticeRules
from aina_assets.warehouse.settings import AUTHORED

CURRICULUM = AUTHORED / "curriculum"
BRIEF = "## Brief"
SOURCES = "## Sources"
DRAFT = "## Draft"
CLAIMS = "## Claim check"
CHANGES = "## What I changed"


def module() -> CurriculumModule:
    """From a brief to a checked draft."""
    return read_module(CURRICULUM / "marketing_growth" / "brief_to_draft.md")


def roomy_rules(max_bytes: int = 10_000_000) -> PracticeRules:
    """The rules as authored, for submissions of a size that they would refuse."""
    rules = PracticeRules.load()
    evaluation = rules.evaluation.model_copy(update={"submission_max_bytes": max_bytes})
    return rules.model_copy(update={"evaluation": evaluation})


_BRIEF_TEXT = """\
We tell owners of small workshops that the repair desk moves to the north gate. They know us, they
are in a hurry, and most of them read mail on a phone between two jobs. The mail may not promise
shorter waiting, because nobody has measured it, and it must stay silent about the old gate's
tenant, who has not agreed to be named.

- Audience: owners of workshops with a repair contract, around forty of them
- Next step: put the new gate into their navigation before the ninth of March
- Not to be said: anything about waiting times or about the tenant
"""

_SOURCES_TEXT = """\
- `site_plan_v4.pdf`: the gate, its height limit and the way for vans
- [Opening hours of the site](https://intranet.example/hours): the new hours of the desk
- `contract_list.xlsx`: how many workshops have a contract, and until when
"""

_DRAFT_TEXT = """\
Subject: From 9 March you find the repair desk at the north gate

Good morning,

the repair desk is moving. From Monday, 9 March, you hand in and collect at the north gate, right
behind the weighing bridge. The old entrance closes the Friday before, at six in the evening.

What does not change: your contract, your contacts and the forms you use. Parts that are with us
now move along, you need not fetch them first.

What does change: vans up to 2.80 metres can drive right up to the counter. Anything taller parks on
the left and walks the last thirty steps. The desk opens at seven instead of eight, and on Saturdays
it stays closed until the summer.

One thing we ask of you: save the new gate in your navigation today, so that nobody stands before a
closed barrier on Monday morning. The address in the footer already leads there.

If something about your next visit is unclear, answer this mail and one of us calls you back on the
same day. See you at the north gate.
"""

_CLAIMS_TEXT = """\
| Claim | Source | Verdict |
|---|---|---|
| Moves on Monday, 9 March | `site_plan_v4.pdf`, page 2 | stands |
| Vans up to 2.80 metres | `site_plan_v4.pdf`, page 5 | corrected, the draft said three metres |
| Opens at seven | opening hours of the site | stands |
| Closed on Saturdays until summer | opening hours of the site | stands |
| Waiting gets shorter | none to be found | cut |
"""

_CHANGES_TEXT = """\
- The height limit, because the machine had rounded it up and a van would have been stuck
- A sentence about shorter waiting went out, since nobody has measured that
- The greeting, which sounded like an advertisement and not like us
"""

PASSING = "\n".join(
    f"{heading}\n\n{text}"
    for heading, text in (
        (BRIEF, _BRIEF_TEXT),
        (SOURCES, _SOURCES_TEXT),
        (DRAFT, _DRAFT_TEXT),
        (CLAIMS, _CLAIMS_TEXT),
        (CHANGES, _CHANGES_TEXT),
    )
)

# A draft just below its length, one source and one item short: what a few words more would lift.
PARTIAL = (
    PASSING.replace(
        "- `contract_list.xlsx`: how many workshops have a contract, and until when\n", ""
    )
    .replace("- The greeting, which sounded like an advertisement and not like us\n", "")
    .replace(_DRAFT_TEXT, " ".join(_DRAFT_TEXT.split()[:145]) + "\n")
)

FAILING = f"""\
{BRIEF}

A mail about the new gate.

{SOURCES}

I asked the assistant and it knew.

{DRAFT}

Good morning, the repair desk is moving to the north gate. It will be better for everybody there.

{CLAIMS}

| Claim | Source | Verdict |
|---|---|---|
| It will be better | - | n/a |

{CHANGES}

- none
"""

ADDRESS = "petra.moll@workshop.example"
UNSAFE = PASSING.replace("answer this mail", f"write to {ADDRESS}")

OF_EVERY_KIND = {"pass": PASSING, "partial": PARTIAL, "fail": FAILING}
