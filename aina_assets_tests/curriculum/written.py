"""A small curriculum as authors would write it, for tests to change.

Belongs here: one module and one ladder that are right, and how to change them by a word. Stays out:
what the committed curriculum says.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

FAMILY = "sales"
STEM = "quote_check"

MODULE = """---
id: sales_quote_check
family: sales
level: 2
title: Check a quote before it leaves
outcome: You can have AI draft a quote from your own price list and find the wrong line.
minutes: 40
requires: []
applies_to: {words: [quote, prices]}
sources: [onet, economic_index]
gdpval:
  occupations: [Sales Managers]
  rationale: Their tasks end in a priced offer.
hitl_checkpoints:
  - when: Before the quote leaves
    who: The seller
    decides: Whether every price is the listed one
points_to_pass: 6
criteria:
  - id: request
    points: 2
    observable: The request is quoted, with who asked, for what and until when.
    checks:
      - {kind: section, section: Request, min_words: 20}
  - id: prices
    points: 4
    observable: Each price stands beside the line of the price list it was taken from.
    checks:
      - kind: table
        section: Prices
        columns: [Item, Price, Line]
        min_rows: 3
      - {kind: references, section: Prices, min_count: 1}
  - id: faults
    points: 2
    observable: Two faults of the draft are named, each with what it would have cost.
    checks:
      - kind: section
        section: Faults
        min_words: 30
      - {kind: figures, section: Faults, min_count: 2}
  - id: release
    points: 2
    observable: The person who released the quote is named by role, with the date.
    checks:
      - {kind: terms, section: Request, any_of: [released, approved]}
pass_gates:
  - id: prices_hold
    text: Every price was looked up.
    criteria: [prices]
fail_conditions:
  - id: nothing_looked_up
    text: No price was looked up.
    unless:
      - {kind: items, section: Faults, min_items: 1}
unsafe_conditions:
  - id: customer_data
    text: Data of the customer stands in the submission.
    detectors: [email_address]
---

## Explain

A draft with one wrong price looks like a draft with none.

## Worked example

Rana asks for a quote of four items; the third price is last year's.

## Guided try

1. Take a quote that was sent.
2. Have it drafted again.

## Reflection

Which line would you have missed?

## Exercise

Take a request you have to answer. Hand in one document with
these headings.

**Request.** Who asks for what.

**Prices.** A table of items, prices and lines.

**Faults.** What was wrong in the draft.
"""
"""A module that is right; at ``sales/quote_check.md``."""

LADDER = """levels:
  - {level: 1, id: oriented, name: Oriented, description: Knows., evidence: A map.}
  - {level: 2, id: assisted, name: Assisted, description: Does., evidence: A piece of work.}
  - {level: 3, id: integrated, name: Integrated, description: Redesigns., evidence: A workflow.}
"""
"""A ladder that is right."""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """``text`` with each first of a pair, which it has exactly once, as the second says."""
    for old, new in changes:
        assert text.count(old) == 1, f"{text.count(old)} times: {old!r}"
        text = text.replace(old, new)
    return text


def module(name: str, *, family: str = FAMILY, level: int = 2, requires: Sequence[str] = ()) -> str:
    """A module called ``<family>_<name>``."""
    return changed(
        MODULE,
        (f"id: {FAMILY}_{STEM}", f"id: {family}_{name}"),
        (f"family: {FAMILY}", f"family: {family}"),
        ("level: 2", f"level: {level}"),
        ("requires: []", f"requires: [{', '.join(requires)}]"),
    )


def write(folder: Path, *, ladder: str | bytes = LADDER, **modules: str) -> Path:
    """A folder with a ladder and modules; ``sales__quote_check`` is ``sales/quote_check.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    content = ladder.encode() if isinstance(ladder, str) else ladder
    (folder / "ladder.yaml").write_bytes(content)
    for name, text in modules.items():
        file = folder / f"{name.replace('__', '/')}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
