"""`aina review`: what waits for a decision, deciding, asking outside reviewers, and proving it all.

Belongs here: arguments, tables for people and JSON for machines. Stays out: any rule about
decisions (``review``). What others wrote is printed so that it only shows.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from aina_assets.contracts.errors import LedgerTampered, ReviewError
from aina_assets.contracts.review import (
    Decision,
    GateState,
    RequiredEdit,
    ReviewerKind,
    ReviewVerdict,
)
from aina_assets.contracts.visible import visible
from aina_assets.terminal import JsonOption, err, errors_to_exit, out, safe, show

if TYPE_CHECKING:
    from aina_assets.review.desk import Case, ReviewDesk
    from aina_assets.review.policy import Reviewer
    from aina_assets.review.signing import ReviewerKey

KEY_SETTING = "AINA_REVIEWER_KEY"
PANEL_KEY_SETTING = "AINA_PANEL_KEY"

review_app = typer.Typer(no_args_is_help=True, help="Gates, and what was decided at them.")

GateOption = Annotated[str | None, typer.Option("--gate", help="This gate alone.")]

_WAITING = (GateState.PENDING, GateState.STALE, GateState.EXPIRED)


@review_app.command("list")
def list_cases(
    gate: GateOption = None,
    state: Annotated[GateState | None, typer.Option("--state", help="In this state alone.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List subjects and what their gates are found to be now."""
    with errors_to_exit():
        cases = _desk().queue(gate, state)
        if as_json:
            typer.echo(json.dumps([_summary(case) for case in cases]))
            return
        table = Table("gate", "subject", "title", "state", "why", box=None, pad_edge=False)
        for case in cases:
            table.add_row(
                safe(case.subject.gate.id),
                safe(case.subject.key),
                safe(case.subject.title),
                str(case.state),
                safe("; ".join(filter(None, [case.finding.reason, _held_up(case)]))),
            )
        out.print(table)


@review_app.command("show")
def show_case(gate: str, key: str, as_json: JsonOption = False) -> None:
    """Show one subject: all that is decided on, its evidence and its history."""
    with errors_to_exit():
        case = _desk().case(gate, key)
        if as_json:
            document = _summary(case) | {
                "document": json.loads(case.subject.document),
                "history": [dict(row) for row in case.history],
            }
            typer.echo(json.dumps(document))
        else:
            _print(case)


@review_app.command("decide")
def decide(
    gate: str,
    key: str,
    verdict: Annotated[ReviewVerdict, typer.Option("--verdict", help="What you say.")],
    reasons: Annotated[list[str], typer.Option("--reason", help="Why; may be repeated.")],
    edits: Annotated[
        list[str] | None,
        typer.Option("--edit", help="With revise: kind:argument:text; may be repeated."),
    ] = None,
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", help="What it stands on; may be repeated.")
    ] = None,
    supersedes: Annotated[
        list[str] | None,
        typer.Option("--supersede", help="Decision that is to count no more; may be repeated."),
    ] = None,
    digest: Annotated[
        str, typer.Option("--digest", help="Digest of the document you saw; asked for if not.")
    ] = "",
) -> None:
    """Decide on a subject as it is now; your key is AINA_REVIEWER_KEY, or is asked for."""
    with errors_to_exit():
        desk = _desk()
        required = [_edit(number, text) for number, text in enumerate(edits or [], start=1)]
        shown = digest or _confirmed(desk.case(gate, key))
        record = desk.decide(
            _reviewer_key(),
            gate,
            key,
            shown,
            verdict,
            reasons,
            required,
            evidence or [],
            supersedes or [],
        )
        said = record.signed.decision
        until = f", counts until {said.expires_at:%Y-%m-%d}" if said.expires_at else ""
        out.print(f"recorded {said.decision_id} at position {record.position}{until}")


@review_app.command("panel")
def panel(
    gate: Annotated[str, typer.Option("--gate", help="The gate whose subjects are judged.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many subjects.")] = 20,
) -> None:
    """Ask the panel of language models about what waits; its key is AINA_PANEL_KEY."""
    with errors_to_exit():
        from aina_assets.review.ledger import holder_of
        from aina_assets.review.panel import Panel
        from aina_assets.review.signing import ReviewerKey
        from aina_assets.review.votes import panel_figures

        desk = _desk()
        asked = desk.gates.gate(gate)
        with Panel.from_environment() as judges:
            for name, variable in judges.missing:
                err.print(safe(f"{name} is not asked: {variable} is not set"))
            judges.require_ready()
            key = ReviewerKey.parse(os.environ.get(PANEL_KEY_SETTING, ""))
            _require_panel(holder_of(key, desk.reviewers))
            waiting = [case.subject for case in desk.queue(gate) if case.state in _WAITING]
            results, refused = [], 0
            for subject in waiting[:limit]:
                result = judges.judge(subject.document, asked)
                results.append(result)
                try:
                    record = result.record(desk, key)
                except ReviewError as error:
                    # Of this subject alone: it changed meanwhile, or a refused build holds it up.
                    refused += 1
                    err.print(f"{safe(subject.key)}: [bold red]not recorded[/]")
                    show(error)
                    continue
                said = result.verdict or "no decision"
                place = f", recorded at {record.position}" if record else ""
                out.print(safe(f"{subject.key}: {said}{place}: {result.reasons[0]}"))
        found = panel_figures([result.votes for result in results if result.votes])
        counted = "not told" if found.effective_votes is None else f"{found.effective_votes:.1f}"
        cost = f"{found.cost_usd:.4f} USD"
        out.print(
            f"{found.unanimous} of {found.subjects} unanimous; {found.usable} of {found.votes}"
            f" votes usable, {found.models} model(s) that count as {counted};"
            f" {cost}, {found.unpriced} vote(s) without a price"
        )
        if refused:
            raise typer.Exit(1)


def _require_panel(holder: Reviewer) -> None:
    if holder.kind is not ReviewerKind.PANEL:
        raise ReviewError(
            expected="the key of a panel",
            found=f"that of {holder.id}, who is none",
            where=PANEL_KEY_SETTING,
            remedy="give the panel a key of its own: `aina review keygen`",
        )


@review_app.command("export-prompt")
def export_prompt(
    gate: GateOption = None,
    to: Annotated[Path | None, typer.Option("--out", help="File to write; else printed.")] = None,
) -> None:
    """Write what waits for a decision as one text for an outside reviewer."""
    with errors_to_exit():
        from aina_assets.review.exchange import prompt

        cases = _desk().queue(gate)
        text = prompt([case.subject for case in cases if case.state in _WAITING])
        if to is None:
            typer.echo(text, nl=False)
        else:
            to.write_text(text, encoding="utf-8")


@review_app.command("import")
def import_answers(
    source: Annotated[Path, typer.Argument(help="Answers, a JSON object a line.")],
) -> None:
    """Record an outside reviewer's answers as your own decisions: you answer for them.

    A line that is malformed, about another document than there is now, or not yours to say is
    refused by its number; the others are recorded.
    """
    with errors_to_exit():
        from aina_assets.review.exchange import answers
        from aina_assets.review.ledger import holder_of

        desk, key = _desk(), _reviewer_key()
        reviewer = holder_of(key, desk.reviewers)
        gates = {case.subject.digest: case.subject.gate.id for case in desk.queue()}
        made: list[Decision] = []
        lines: dict[tuple[str, str], int] = {}
        refused = 0
        for number, answer in answers(_text_of(source)):
            try:
                if isinstance(answer, ReviewError):
                    raise answer
                about = (answer.subject_key, answer.subject_digest)
                if about in lines:
                    raise _refusal("one answer on a subject", f"another in line {lines[about]}")
                gate = gates.get(answer.subject_digest)
                if gate is None:
                    raise _refusal("the digest of a subject as it is now", answer.subject_digest)
                made.append(
                    desk.prepare(
                        reviewer,
                        gate,
                        answer.subject_key,
                        answer.subject_digest,
                        answer.verdict,
                        answer.reasons,
                        answer.required_edits,
                        answer.evidence,
                    )
                )
                lines[about] = number
            except ReviewError as error:
                refused += 1
                err.print(f"line {number} [bold red]refused[/]")
                show(error)
        desk.record(made, key)
        out.print(f"recorded {len(made)} decision(s); refused {refused} line(s)")
        if refused:
            raise typer.Exit(1)


@review_app.command("verify")
def verify() -> None:
    """Walk ledger, checkpoints and signatures; exit code 1 where anything was tampered with."""
    with errors_to_exit():
        try:
            found = _desk().verify()
        except LedgerTampered as error:
            show(error)
            raise typer.Exit(1) from error
        if found is None:
            out.print("nothing was decided yet: no ledger, and no checkpoint that tells of one")
            return
        head, unsealed = found.ledger.head, found.ledger.head.position - found.ledger.sealed
        out.print(f"decisions    {head.position}, the chain holds; head {head.digest or '-'}")
        out.print(f"checkpoints  {found.ledger.checkpoints}, they hold; {unsealed} not yet sealed")
        genuine = head.position - len(found.unknown) - len(found.forged)
        out.print(f"signatures   {genuine} genuine")
        for positions, what in (
            (found.unknown, "by reviewers who are not on file any more"),
            (found.forged, "not of the key on file"),
        ):
            if positions:
                some = ", ".join(map(str, positions[:10]))
                out.print(f"             {len(positions)} {what}: position {some}")
        if found.forged:
            raise typer.Exit(1)


@review_app.command("seal")
def seal() -> None:
    """Vouch for the ledger as it is: verify it and sign where it ends."""
    with errors_to_exit():
        try:
            sealed = _desk().seal(_reviewer_key())
        except LedgerTampered as error:
            show(error)
            raise typer.Exit(1) from error
        out.print(f"sealed at position {sealed.position} by {sealed.signer_id}")


@review_app.command("keygen")
def keygen() -> None:
    """Make a reviewer's key and print it, this once; nothing is kept."""
    from aina_assets.review.signing import ReviewerKey

    key = ReviewerKey.new()
    typer.echo(key.text)
    err.print(
        f"Keep that line to yourself; {KEY_SETTING} takes it. For data/reviewers.yaml:\n"
        f"  public_key: {key.public_key}",
        soft_wrap=True,
    )


def _desk() -> ReviewDesk:
    from upath import UPath

    from aina_assets.location import all_models
    from aina_assets.review.desk import ReviewDesk
    from aina_assets.warehouse.settings import home
    from aina_assets.warehouse.store import Store

    return ReviewDesk(Store(UPath(home())), all_models())


def _reviewer_key() -> ReviewerKey:
    from aina_assets.review.signing import ReviewerKey

    text = os.environ.get(KEY_SETTING, "")
    if not text and sys.stdin.isatty():
        text = typer.prompt("Reviewer's key", hide_input=True)
    if not text:
        raise ReviewError(
            expected=f"a reviewer's key in {KEY_SETTING}, or a terminal to ask for it on",
            found="neither",
            where="reviewer's key",
            remedy=f"set {KEY_SETTING}; `aina review keygen` makes a key",
        )
    return ReviewerKey.parse(text)


def _confirmed(case: Case) -> str:
    """The digest of what is now shown to whoever sits at the terminal, once they say so."""
    if not sys.stdin.isatty():
        raise ReviewError(
            expected="--digest with the digest of the document you saw",
            found="none, and no terminal to show the document on",
            where=f"{case.subject.gate.id}, {case.subject.key}",
            remedy="see it: aina review show",
        )
    _print(case)
    typer.confirm(f"Decide on the document {case.subject.digest}?", abort=True)
    return case.subject.digest


def _edit(number: int, text: str) -> RequiredEdit:
    kind, _, rest = text.partition(":")
    argument, _, words = rest.partition(":")
    try:
        return RequiredEdit(edit_id=f"e{number}", kind=kind, argument=argument, text=words)
    except ValueError:
        raise ReviewError(
            expected="kind:argument:text, the argument may be empty",
            found=repr(text),
            where="--edit",
            remedy="for example --edit 'manual::Name the file that is meant.'",
        ) from None


def _text_of(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(
            expected="a file of answers in UTF-8",
            found=str(error),
            where=str(source),
            remedy="name the file that the answers are in",
        ) from error


def _refusal(expected: str, found: str) -> ReviewError:
    return ReviewError(
        expected=expected,
        found=found,
        where="answer",
        remedy="have the subject judged as it is now: aina review export-prompt",
    )


def _summary(case: Case) -> dict[str, Any]:
    subject = case.subject
    return {
        "gate": subject.gate.id,
        "strictness": str(subject.gate.strictness),
        "subject_kind": subject.kind,
        "subject_key": subject.key,
        "subject_digest": subject.digest,
        "title": subject.title,
        "state": str(case.state),
        "is_open": case.is_open,
        "reason": case.finding.reason,
        "held_up_by": list(case.held_up_by),
    }


def _held_up(case: Case) -> str:
    """Why nobody can approve it now; nothing where they can."""
    refused = ", ".join(case.held_up_by)
    return f"no approvals: the last build of {refused} was refused" if refused else ""


def _print(case: Case) -> None:
    subject = case.subject
    facts = Table(show_header=False, box=None, pad_edge=False)
    facts.add_column(style="dim")
    facts.add_column()
    for label, value in (
        ("subject", f"{subject.kind} {subject.key}: {subject.title}"),
        ("gate", f"{subject.gate.id} ({subject.gate.strictness}): {subject.gate.title}"),
        ("state", f"{case.state}, {'open' if case.is_open else 'closed'}: {case.finding.reason}"),
        ("authors", ", ".join(subject.authors) or "-"),
        ("verdicts", ", ".join(subject.gate.verdicts)),
        ("held up", _held_up(case) or "-"),
    ):
        facts.add_row(label, safe(value))
    out.print(facts)
    # Not by rich: it would wrap and colour what is to be seen as it is.
    typer.echo(f"\n{visible(json.dumps(subject.content, ensure_ascii=False, indent=2))}\n")
    for reference, digest in subject.evidence.items():
        typer.echo(visible(f"evidence {reference}  {digest}"))
    for row in case.history:
        former = "" if row["subject_digest"] == subject.digest else ", on a former document"
        why = f" ({row['refusal_reason']})" if row["refusal_reason"] else ""
        said = f"{row['verdict']} by {row['reviewer_id']}, {row['decided_at'][:19]}"
        typer.echo(visible(f"{row['decision_id']}  {said}: {row['standing']}{why}{former}"))
        for reason in row["reasons"]:
            typer.echo(visible(f"  {reason}"))
    typer.echo(f"digest {subject.digest}")
