"""Submissions that the sample raters rated, and what the evaluator gives them.

The texts were written for this project; the people, firms and figures in them do not exist. What
raters gave is in ``sample_world/content/graded_submissions.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.curriculum.modules import read_module
from aina_assets.practice.evaluator import ENGINE, evaluate
from aina_assets.practice.policy import PracticeRules
from aina_assets.sources.tables import OUTCOME
from aina_assets_tests.loop.submissions import whole_submission
from aina_assets_tests.practice import handed_in
from aina_assets_tests.practice.handed_in import CURRICULUM

BRIEF = handed_in.module()
ANSWER = read_module(CURRICULUM / "sales" / "customer_answer.md")
CHANGE = read_module(CURRICULUM / "software_and_data" / "tested_change.md")

_ANSWER = """\
## The question

"Your sheet says the pump runs dry for two minutes. Ours may run dry for ten when the night shift
misses the alarm. Can we take the P40 for the new line, and would you put that into the order?" The
buyer asks for one sentence that the plant manager can sign.

- Decided by it: whether eleven P40 are ordered this month, or another make is asked
- Not known yet: how warm the liquid is at night, and whether the alarm stops the motor

## Material

- `p40_data_sheet_2025-09.pdf`: dry run at most two minutes, at 40 degrees
- `service_records_p40.xlsx`, as of 3 November: four seals burnt, all after longer dry runs
- `standard_terms_v7.pdf`, May 2025: what is promised on fitness for a use, and what is not

## Promise log

| Statement | Kind | Stands on |
|---|---|---|
| Two minutes without liquid do no harm | standard | `p40_data_sheet_2025-09.pdf`, page 3 |
| Ten minutes do no harm | cut | nothing; the records speak against it |
| With the flow switch the motor stops in time | conditional | switch fitted and wired by us |
| The P40 fits the new line | someone else | product engineer, asked on Tuesday |
| A burnt seal is replaced free of charge | conditional | only where the switch was fitted |
| Eleven pumps can leave in week 50 | someone else | planner, asked on Tuesday |

## Answer

Good morning,

you asked whether the P40 may run dry for ten minutes. No: without liquid it runs for two minutes at
most, and only while what it pumps stays below 40 degrees. Longer dry runs have burnt seals at four
other sites, so I will not put ten minutes into an order.

What would work: with our flow switch the motor stops within five seconds of the liquid running
out, provided that we fit and wire the switch ourselves. With it, a burnt seal would be on us;
without it, it would not.

Whether the P40 is right for your line at all is for our product engineer to say. She has your
drawing and answers by Friday noon. Our planner tells you by the same day whether eleven pumps can
leave in week 50. Please tell us until then how warm the liquid gets at night.

## The doubting buyer

- "Does the switch fail open?" It closes; I had left that out, and added what stops the motor
- "Who pays when the switch was bridged?" Nothing changed: the condition already says fitted by us
- "Is week 50 a promise?" It read like one; now the planner's answer is named with its day
"""

_ANSWER_THIN = """\
## The question

"Can the P40 run dry for ten minutes, and would you put that into the order?" They decide whether to
order eleven, or to ask another make. I do not know how warm the liquid is.

## Material

- `p40_data_sheet_2025-09.pdf`: two minutes, at 40 degrees
- `service_records_p40.xlsx`, as of 3 November: four burnt seals

## Promise log

| Statement | Kind | Stands on |
|---|---|---|
| Two minutes without liquid do no harm up to 40 degrees | standard | `p40_data_sheet_2025-09.pdf` |
| Ten minutes do no harm | cut | the records speak against it |
| The P40 fits the new line | someone else | product engineer, asked on Tuesday |
| Eleven pumps can leave in week 50 | someone else | planner, asked on Tuesday |

## Answer

Good morning, no: without liquid the P40 runs for two minutes at most, and only below 40 degrees.
Longer dry runs have burnt seals elsewhere, so ten minutes will not stand in an order. Whether it
is right for your line, our product engineer tells you by Friday noon; whether eleven can leave in
week 50, our planner tells you the same day. Please tell us how warm the liquid gets at night.

## The doubting buyer

- "Is week 50 a promise?" It read like one; now the planner's answer is named with its day
- "What if it runs dry for three?" Then the seal is theirs, and the answer says so
"""

_ANSWER_HOLLOW = """\
## The question

The customer asks, in general, whether our pumps are suitable for demanding applications and
whether we can confirm this in writing so that the project may continue without further delay. It
is an important question for us as well as for them and for the whole partnership.

- Decided by it: the next steps of the project
- Not known yet: some details on the customer's side

## Material

- `brochure.pdf`: our strengths
- `website_export.html`: our values
- `presentation_long.pptx`: our history

## Promise log

| Statement | Kind | Stands on |
|---|---|---|
| Our pumps are robust | standard | `brochure.pdf` |
| We have decades of experience | standard | `presentation_long.pptx` |
| The customer comes first | standard | `website_export.html` |
| Quality is checked at every step | standard | `brochure.pdf` |
| Delivery is fast | conditional | circumstances |
| Dry running is no problem in practice | standard | colleagues say so |

## Answer

Good morning,

thank you for your interest in our products and for the trust you place in our company. We are
happy to confirm that our pumps are built for the most demanding applications and that many
customers across several branches rely on them every day. Dry running, which you mentioned, is in
practice no problem for a product of this quality.

Our team accompanies you from the first idea to the running line and beyond. Depending on
circumstances delivery is fast, and our service stands ready whenever it is needed. Quality is
checked at every step, from the casting to the final coat of paint, by people who have done this
for decades.

We would be glad to receive your order soon and look forward to a long and fruitful partnership with
you and with everybody at your site.

## The doubting buyer

- "Is it really good?" We pointed to the experience once more, and nothing had to change
- "Is it too expensive?" Quality has its price, so the wording stayed as it was before
- "When does it come?" Fast, depending on circumstances, as the text already says
"""

_CHANGE = """\
## Change

The nightly export writes an invoice twice when a run is restarted. Afterwards a restarted run
writes every invoice once, and nothing else about the file changes.

- A run that is started again for the same day gives a file with the same invoices, each once
- An invoice that was corrected in between is written with its new amount
- A run that stops half way leaves yesterday's file in place, not half of today's

What must stay: the order of the columns, the name of the file, and the run time below four minutes.

## Tests

| Test | Expected | Before | After |
|---|---|---|---|
| Same day twice | 3 invoices | 6, failed | 3 |
| Corrected in between | amount 80.00 | two rows, failed | 80.00 |
| Stopped after two rows | yesterday's file | half a file, failed | yesterday's file |
| Columns as before | 14 names in order | passed | passed |

## Reading

| Place | Question | Verdict |
|---|---|---|
| `write_rows`, the rename | What if the disk is full before it? | stands, the old file is kept |
| `keys = set()` | Does it grow with the year? | reset for each day, measured |
| `except OSError` | Which errors does it hide? | wrong, narrowed to the rename |
| the new sort | Is the order asked for? | taken out, nobody asked |

## Way back

The former version is tagged, and the on-duty engineer may redeploy it when the row count of the
file differs from the ledger by one or more. I did that once on the copy: it took three minutes,
and the next run wrote the former file, doubles included.

## What I changed

- The broad `except`, because it would have hidden a full disk
- The sort, since the receiving side depends on the order of arrival
- A test for the half-written file, which the proposal did not have
"""

_CHANGE_THIN = """\
## Change

A restarted run writes every invoice once. The columns and the name of the file stay.

- Same day twice gives each invoice once
- A corrected invoice has its new amount

## Tests

| Test | Expected | Before | After |
|---|---|---|---|
| Same day twice | 3 invoices | 6, failed | 3 |
| Corrected in between | amount 80.00 | two rows, failed | 80.00 |
| Columns as before | 14 names in order | passed | passed |

## Reading

| Place | Question | Verdict |
|---|---|---|
| the rename at the end | What if the disk is full before it? | stands, the old file is kept |
| `except OSError` | Which errors does it hide? | wrong, narrowed to the rename |
| the new sort | Is the order asked for? | taken out |

## Way back

Redeploy the tag; the on-duty engineer may, when row counts differ. Tried once on the copy.

## What I changed

- The broad `except`, because it would have hidden a full disk
- The sort, since nobody asked for it
"""

_CHANGE_UNREAD = """\
## Change

The export shall be improved so that it works more reliably in future and so that problems with
invoices which were reported by several colleagues in recent weeks do not happen any more, without
any negative effect on other parts of the system that are already working well for everybody who
depends on them in their daily business.

- The export works
- The export is reliable
- The export is fast

## Tests

| Test | Expected | Before | After |
|---|---|---|---|
| Run it | works | failed | works |
| Run it again | works | failed | works |
| Run it at night | works | not tried | works |
| Run it on Monday | works | not tried | works |

## Reading

| Place | Question | Verdict |
|---|---|---|
| line one | Is it fine? | yes |
| middle part | Does it look good? | yes |
| last lines | Is it complete? | yes |
| comments | Are they there? | yes |

## Way back

If there should be any problem after the release, then we would of course react quickly, look at
what has happened, find a good solution together with everybody who is involved, and make sure
that the system is back in its normal state as soon as this is possible for the team.

## What I changed

- Some names, because they were not so nice
- Some blanks, because of the formatting
- A comment, because it was too short
"""


def _without(text: str, section: str) -> str:
    """``text`` without what stands under one heading."""
    return re.sub(rf"(?ms)^## {section}\n.*?(?=^## |\Z)", "", text)


SUBMISSIONS: dict[str, tuple[CurriculumModule, str]] = {
    "brief, checked": (BRIEF, handed_in.PASSING),
    "brief, almost": (BRIEF, handed_in.PARTIAL),
    "brief, hardly": (BRIEF, handed_in.FAILING),
    "brief, forms filled": (BRIEF, whole_submission(BRIEF)),
    "answer, sorted": (ANSWER, _ANSWER),
    "answer, thin": (ANSWER, _ANSWER_THIN),
    "answer, hollow": (ANSWER, _ANSWER_HOLLOW),
    "answer, no doubter": (ANSWER, _without(_ANSWER, "The doubting buyer")),
    "change, tested": (CHANGE, _CHANGE),
    "change, thin": (CHANGE, _CHANGE_THIN),
    "change, unread": (CHANGE, _CHANGE_UNREAD),
    "change, no way back": (CHANGE, _without(_CHANGE, "Way back")),
}


def grader_rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """The evaluator's rows of ``graded_submissions``, each with its submission's name."""
    rules = PracticeRules.load()
    for name, (module, text) in SUBMISSIONS.items():
        result = evaluate(module, text, rules)
        given = [(item.criterion_id, item.points, item.points_possible) for item in result.scores]
        for criterion, points, possible in [
            *given,
            (OUTCOME, result.points, result.points_possible),
        ]:
            yield (
                name,
                {
                    "submission_id": result.submission_digest,
                    "module_id": module.id,
                    "criterion_id": criterion,
                    "rater_id": ENGINE,
                    "rater_kind": "grader",
                    "points": points,
                    "points_possible": possible,
                    "outcome": str(result.outcome) if criterion == OUTCOME else None,
                },
            )
