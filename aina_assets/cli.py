"""The command line, ``aina``.

Belongs here: arguments, progress, tables for people and JSON for machines. Stays out: any decision
about data. Dagster and the rooms are imported inside commands, so that ``aina --help`` is quick.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from aina_assets.contracts.errors import AinaError
from aina_assets.report_cli import report
from aina_assets.review_cli import review_app
from aina_assets.terminal import JsonOption, err, errors_to_exit, out

if TYPE_CHECKING:
    from aina_assets.builds import Outcome, Step
    from aina_assets.location import Location
    from aina_assets.release.publish import Release
    from aina_assets.titles.routing import Router

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Public work data as a checked, traceable asset graph.",
)
sources_app = typer.Typer(no_args_is_help=True, help="Locks: what is pinned, and what changed.")
app.add_typer(sources_app, name="sources")
titles_app = typer.Typer(no_args_is_help=True, help="Lists of titles.")
app.add_typer(titles_app, name="titles")
serve_app = typer.Typer(help="Serve the learner loop: API and beta pages over the release.")
app.add_typer(serve_app, name="serve")
keys_app = typer.Typer(no_args_is_help=True, help="API keys of the server.")
serve_app.add_typer(keys_app, name="keys")
learner_app = typer.Typer(no_args_is_help=True, help="What happened to a learner.")
app.add_typer(learner_app, name="learner")
app.add_typer(review_app, name="review")
app.command()(report)

LockOption = Annotated[
    Path | None, typer.Option("--lock", help="Lock to build; the bundled sample if not given.")
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Where the lock's files lie or are fetched to.")
]
SelectOption = Annotated[
    str, typer.Option("--select", help="Assets, in Dagster's selection syntax.")
]
LedgerOption = Annotated[
    str,
    typer.Option("--ledger", help="URL of the ledger; AINA_LEDGER or a file of AINA_HOME if not."),
]


def _location(lock: Path | None, cache: Path | None, **options: Any) -> Location:
    from aina_assets.location import Location, resources

    bound = resources(lock_path=str(lock or ""), cache_path=str(cache or ""), **options)
    _ = bound["sources"].lock
    return Location(bound)


@app.command()
def build(
    lock: LockOption = None,
    cache: CacheOption = None,
    select: SelectOption = "*",
    full: Annotated[bool, typer.Option("--full", help="Build fresh assets too.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", help="Seconds to wait for another build; 0 refuses.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Build what is stale, check it, and publish a release when everything is valid."""
    with errors_to_exit():
        from aina_assets.builds import build as run_build

        location = _location(lock, cache, offline=offline, wait_seconds=wait)
        selected = location.select(select)
        with _progress(shown=not as_json) as report:
            outcome = run_build(location, selected=selected, full=full, report=report)
        summary = _summary(outcome, location)
        if as_json:
            typer.echo(json.dumps(summary))
        else:
            _print_outcome(outcome, summary)
        if not outcome.is_good:
            raise typer.Exit(1)


@contextmanager
def _progress(*, shown: bool) -> Iterator[Any]:
    """A live bar on a terminal, a line a step elsewhere, nothing where not ``shown``."""
    if not shown:
        yield lambda _step, _total: None
        return
    if not out.is_terminal:
        count = 0

        def write(step: Step, total: int) -> None:
            nonlocal count
            if step.outcome != "started":
                count += 1
                rows = "" if step.rows is None else f" {step.rows:,} rows"
                out.print(
                    f"[{count}/{total}] {step.asset} {step.outcome}{rows} {step.seconds:.1f} s",
                    markup=False,
                    highlight=False,
                )

        yield write
        return
    columns = (
        TextColumn("[bold]{task.description:<34}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rows]:>16}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("planning", total=None, rows="")
        stored = 0

        def show(step: Step, total: int) -> None:
            nonlocal stored
            stored += step.rows or 0
            progress.update(
                task,
                total=total,
                description=escape(step.asset[:34]),
                rows=f"{stored:,} rows",
                advance=0 if step.outcome == "started" else 1,
            )

        yield show


def _summary(outcome: Outcome, location: Location) -> dict[str, Any]:
    from aina_assets.release.publish import current_release

    release = current_release(Path(str(location.warehouse.store.root)))
    return {
        "assets_run": len(outcome.run),
        "assets_skipped": len(outcome.fresh) + len(outcome.blocked),
        "assets_failed": len(outcome.failed),
        "checks_passed": outcome.checks_passed,
        "checks_failed": len(outcome.checks_failed),
        "release_id": release.release_id if release else None,
        "release_path": str(release.path) if release else None,
        "seconds": round(outcome.seconds, 2),
        "failures": outcome.failed,
        "blocked": outcome.blocked,
    }


def _print_outcome(outcome: Outcome, summary: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    blocked = f" ({len(outcome.blocked)} held up by a failure)" if outcome.blocked else ""
    rows = sum(count or 0 for count in outcome.run.values())
    table.add_row("assets run", f"{summary['assets_run']} ({rows:,} rows)")
    table.add_row("assets skipped", f"{summary['assets_skipped']}{blocked}")
    table.add_row("assets failed", str(summary["assets_failed"]))
    table.add_row("checks passed", str(summary["checks_passed"]))
    table.add_row("checks failed", str(summary["checks_failed"]))
    table.add_row("release", str(summary["release_id"] or "none yet"))
    table.add_row("path", str(summary["release_path"] or "-"))
    table.add_row("seconds", f"{summary['seconds']:.1f}")
    for name, message in outcome.failed.items():
        out.print(f"[bold red]failed[/] {escape(name)}\n  {escape(message)}")
    if outcome.failed and summary["release_id"]:
        out.print("The release below is the last good one; nothing of it changed.")
    out.print(table)


@app.command()
def status(
    lock: LockOption = None,
    cache: CacheOption = None,
    select: SelectOption = "*",
    as_json: JsonOption = False,
) -> None:
    """Say what is stale, and why."""
    with errors_to_exit():
        from aina_assets.release.publish import current_release
        from aina_assets.warehouse.plan import stale

        location = _location(lock, cache)
        store = location.warehouse.store
        reasons = stale(location.nodes(), store, location.select(select))
        release = current_release(Path(str(store.root)))
        if as_json:
            document = {"stale": reasons, "release_id": release.release_id if release else None}
            typer.echo(json.dumps(document))
            return
        out.print(f"lock     {location.sources.lock.name} ({location.sources.lock_file})")
        out.print(f"release  {release.release_id if release else 'none yet'}")
        if not reasons:
            out.print("Everything is fresh.")
            return
        table = Table("stale asset", "why", box=None, pad_edge=False)
        for name, reason in reasons.items():
            table.add_row(name, escape(reason))
        out.print(table)


@app.command()
def trace(
    table: Annotated[str, typer.Argument(help="Table of the warehouse.")],
    key: Annotated[str, typer.Argument(help="Key of the row; parts joined by '|'.")],
    rows: Annotated[int, typer.Option("--rows", help="Rows to follow into each table above.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Walk a row back to the rows, files, hashes, releases and licences it came from."""
    with errors_to_exit():
        from upath import UPath

        from aina_assets.cli_render import trace_tree
        from aina_assets.location import all_models
        from aina_assets.warehouse.lineage import trace as trace_row
        from aina_assets.warehouse.lineage import trace_document
        from aina_assets.warehouse.settings import home
        from aina_assets.warehouse.store import Store

        store = Store(UPath(home()))
        found = trace_row(store, all_models(), table, key, rows_per_parent=rows)
        if as_json:
            typer.echo(json.dumps(trace_document(found), ensure_ascii=False))
        else:
            out.print(trace_tree(found))


@app.command()
def title(
    raw: Annotated[str, typer.Argument(help="A job title, as it stands.")],
    as_json: JsonOption = False,
) -> None:
    """Explain one title: how it is read, who knows it, what is served, and why."""
    with errors_to_exit():
        from aina_assets.cli_render import explained_title
        from aina_assets.titles.explain import explain

        explained = explain(_router(), raw)
        if as_json:
            typer.echo(json.dumps(explained, ensure_ascii=False))
        else:
            out.print(explained_title(explained))


@titles_app.command("route")
def titles_route(
    source: Annotated[Path, typer.Argument(help="CSV with a column 'title'.")],
    to: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    candidates: Annotated[
        bool, typer.Option("--candidates", help="Add the likeliest occupations of each title.")
    ] = False,
) -> None:
    """Route every title of a list through the current release, row for row."""
    with errors_to_exit():
        from aina_assets.titles.files import route_file

        count = route_file(_router(), source, to, has_candidates=candidates)
        out.print(f"routed {count:,} titles into {escape(str(to))}")


def _router() -> Router:
    from aina_assets.titles.files import router_of

    return router_of(_release().path)


def _release() -> Release:
    from aina_assets.release.publish import current_release
    from aina_assets.warehouse.settings import home

    release = current_release(home())
    if release is None:
        raise AinaError(
            expected="a published release",
            found="none",
            where=str(home()),
            remedy="publish one: aina build",
        )
    return release


@app.command()
def lineage(
    to: Annotated[Path | None, typer.Option("--out", help="File to write; else printed.")] = None,
) -> None:
    """Export the lineage of the current snapshots as OpenLineage events, one JSON a line."""
    with errors_to_exit():
        from upath import UPath

        from aina_assets.location import all_models
        from aina_assets.warehouse.lineage import openlineage_events
        from aina_assets.warehouse.settings import home
        from aina_assets.warehouse.store import Store

        events = openlineage_events(
            Store(UPath(home())),
            all_models(),
            namespace="aina",
            event_time=datetime.datetime.now(datetime.UTC),
        )
        lines = "".join(json.dumps(event, sort_keys=True) + "\n" for event in events)
        if to is None:
            typer.echo(lines, nl=False)
        else:
            to.write_text(lines, encoding="utf-8")


@app.command()
def dictionary(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if behind.")] = False,
) -> None:
    """Write the data dictionary from the table models."""
    with errors_to_exit():
        from aina_assets.location import all_models
        from aina_assets.warehouse.dictionary import render
        from aina_assets.warehouse.settings import PROJECT_ROOT

        path = PROJECT_ROOT / "docs" / "data_dictionary.md"
        text = render(all_models())
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            err.print(f"{path} is behind the models: run `aina dictionary`")
            raise typer.Exit(1)


@app.command()
def schemas(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if behind.")] = False,
) -> None:
    """Write the JSON Schemas of the contracts, a file a version."""
    with errors_to_exit():
        from aina_assets.contracts.schemas import differences, write
        from aina_assets.warehouse.settings import PROJECT_ROOT

        folder = PROJECT_ROOT / "docs" / "schemas"
        if not check:
            write(folder)
        elif found := differences(folder):
            for difference in found:
                err.print(escape(difference))
            raise typer.Exit(1)


@sources_app.command("lock")
def sources_lock(
    root: Annotated[Path, typer.Option("--from", help="Folder that holds the files.")],
    lock: Annotated[
        Path | None,
        typer.Option("--lock", help="Lock to refresh; DIR/sources.lock.yaml if not given."),
    ] = None,
) -> None:
    """Write or refresh a lock from files on disk: hashes and sizes as they are now."""
    with errors_to_exit():
        from aina_assets.sources.lock_changes import diff_locks, refresh_lock
        from aina_assets.sources.lockfile import read_lock, write_lock
        from aina_assets.warehouse.settings import AUTHORED

        target = lock or root / "sources.lock.yaml"
        is_new = not target.exists()
        template = read_lock(AUTHORED / "upstream" / "sources.lock.yaml" if is_new else target)
        refreshed, notes = refresh_lock(template, root, name=_lock_name(root) if is_new else None)
        changes = [] if is_new else diff_locks(template, refreshed)
        write_lock(refreshed, target)
        for note in notes:
            out.print(f"note: {escape(note)}")
        _print_changes(changes)
        out.print(f"{'wrote' if is_new else 'refreshed'} {escape(str(target))}")


def _lock_name(root: Path) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in root.resolve().name.lower())
    return name if name[:1].isalpha() else f"lock_{name}"


@sources_app.command("diff")
def sources_diff(before: Path, after: Path, as_json: JsonOption = False) -> None:
    """Report what changes between two locks."""
    with errors_to_exit():
        import dataclasses

        from aina_assets.sources.lock_changes import diff_locks
        from aina_assets.sources.lockfile import read_lock

        changes = diff_locks(read_lock(before), read_lock(after))
        if as_json:
            typer.echo(json.dumps([dataclasses.asdict(change) for change in changes], default=str))
        elif changes:
            _print_changes(changes)
        else:
            out.print("The locks say the same.")


def _print_changes(changes: Any) -> None:
    if not changes:
        return
    table = Table("source", "file", "what", "before", "after", box=None, pad_edge=False)
    for change in changes:
        table.add_row(
            *(
                escape("" if value is None else str(value))
                for value in (
                    change.source,
                    change.file,
                    change.field,
                    change.before,
                    change.after,
                )
            )
        )
    out.print(table)


@serve_app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.")] = 8321,
    ledger: LedgerOption = "",
    insecure_local: Annotated[
        bool,
        typer.Option("--insecure-local", help="Ask for no API keys; serve this machine alone."),
    ] = False,
    keep_submissions: Annotated[
        bool,
        typer.Option("--keep-submissions", help="Keep texts handed in, to be graded again."),
    ] = False,
    review: Annotated[
        bool,
        typer.Option("--review", help="Show the review pages too, for reviewers on file."),
    ] = False,
) -> None:
    """Serve the learner loop: API and beta pages over the current release."""
    if context.invoked_subcommand is not None:
        return
    with errors_to_exit():
        from aina_assets.location import all_models
        from aina_assets.review.policy import Reviewers
        from aina_assets.serve.run import serve as run_server
        from aina_assets.warehouse.settings import home

        def started(url: str) -> None:
            desk = f", review pages: {url}/review" if review else ""
            out.print(f"serving on {url} (beta pages: {url}/beta{desk})", soft_wrap=True)

        models = all_models()
        run_server(
            home(),
            lambda: models,
            host=host,
            port=port,
            ledger=ledger,
            is_local=insecure_local,
            keeps_submissions=keep_submissions,
            reviewers=Reviewers.path() if review else None,
            started=started,
        )


@keys_app.command("add")
def keys_add(
    name: Annotated[str, typer.Argument(help="Whose key it is; small letters, digits, - and _.")],
    rate: Annotated[int, typer.Option("--rate", help="Requests a minute.")] = 600,
) -> None:
    """Make an API key and print it, this once; only its digest is kept."""
    with errors_to_exit():
        from aina_assets.serve.keys import key_file
        from aina_assets.warehouse.settings import home

        typer.echo(key_file(home()).add(name, rate))


@keys_app.command("list")
def keys_list() -> None:
    """List the keys on file by name."""
    with errors_to_exit():
        from aina_assets.serve.keys import key_file
        from aina_assets.warehouse.settings import home

        table = Table("name", "requests a minute", box=None, pad_edge=False)
        for key in key_file(home()).read():
            table.add_row(key.name, f"{key.requests_per_minute:,}")
        out.print(table)


@keys_app.command("remove")
def keys_remove(name: Annotated[str, typer.Argument(help="Name of the key.")]) -> None:
    """Refuse a key from now on; a running server follows within a second."""
    with errors_to_exit():
        from aina_assets.serve.keys import key_file
        from aina_assets.warehouse.settings import home

        key_file(home()).remove(name)


@learner_app.command("replay")
def learner_replay(
    learner_id: Annotated[str, typer.Argument(help="Id of the learner.")],
    until: Annotated[
        str, typer.Option("--until", help="Position in the ledger, or a time with its zone.")
    ] = "",
    as_json: JsonOption = False,
    ledger: LedgerOption = "",
) -> None:
    """Replay a learner's events: their state now, or at a moment."""
    with errors_to_exit():
        from aina_assets.learner.ledger import Ledger
        from aina_assets.learner.service import state_of
        from aina_assets.warehouse.settings import ledger_url

        with Ledger.open(ledger or ledger_url()) as opened:
            state = state_of(opened, learner_id, _moment(until))
        if as_json:
            typer.echo(state.model_dump_json())
        else:
            from aina_assets.cli_render import learner_state

            out.print(learner_state(state))


@learner_app.command("regrade")
def learner_regrade(
    module: Annotated[str, typer.Option("--module", help="This module alone.")] = "",
    ledger: LedgerOption = "",
) -> None:
    """Grade again, by the current release, what was graded by another rubric and is kept."""
    with errors_to_exit():
        from aina_assets.learner.ledger import Ledger
        from aina_assets.learner.regrade import regrade
        from aina_assets.learner.service import LearnerService
        from aina_assets.learner.view import ReleaseView
        from aina_assets.serve.run import default_submissions
        from aina_assets.warehouse.settings import home, ledger_url

        release = _release()
        view = ReleaseView.open(release.release_id, release.path)
        with Ledger.open(ledger or ledger_url()) as opened:
            service = LearnerService(lambda: view, opened)
            found = regrade(service, default_submissions(home()), module or None)
        out.print(
            f"graded again {found.graded}, with another outcome {found.changed};"
            f" no longer kept {found.unkept}"
        )


def _moment(text: str) -> int | datetime.datetime | None:
    """``text`` as a position or a time; None where there is none."""
    if not text:
        return None
    if text.isdecimal():
        return int(text)
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        raise AinaError(
            expected="a position such as 120, or a time such as 2026-03-01T09:30:00+00:00",
            found=repr(text),
            where="--until",
            remedy="give one of the two",
        ) from None


if __name__ == "__main__":
    app()
