"""The data dictionary, written from the table models: what is true of the code is true of the page.

Belongs here: turning models into Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping

from aina_assets.warehouse.tables import Table, arrow_schema, columns_of, describe, rules_of

_HEAD = """# Data dictionary

Generated from the table models by `aina dictionary`; a test holds it current. Every table is
published in the release (`$AINA_HOME/releases/current/aina.duckdb`) with these columns. Rules are
the asset checks of the table: each blocks the write when it does not hold.
"""


def render(models: Mapping[str, type[Table]]) -> str:
    """The dictionary of ``models`` (by table name) as Markdown."""
    parts = [_HEAD]
    parts += [f"- [{name}](#{name})" for name in sorted(models)]
    parts += [_section(name, models[name]) for name in sorted(models)]
    return "\n".join(parts) + "\n"


def _section(name: str, model: type[Table]) -> str:
    columns = columns_of(model)
    lines = [
        f"\n## {name}\n",
        describe(model),
        f"\nKey: {', '.join(f'`{column}`' for column in model.__key__)}\n",
        "| column | type | null | description | from |",
        "|---|---|---|---|---|",
    ]
    for field in arrow_schema(model):
        options = columns[field.name].metadata or {}
        origin = [f"`{source}`" for source in options.get("from", ())]
        origin += [f"file column `{options['header']}`"] if "header" in options else []
        lines.append(
            f"| `{field.name}` | {field.type} | {'yes' if field.nullable else 'no'} "
            f"| {_cell(columns[field.name].description)} | {', '.join(origin)} |"
        )
    lines += ["\nRules:\n"]
    lines += [f"- `{rule.name}`: {_cell(rule.description)}" for rule in rules_of(model)]
    return "\n".join(lines)


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
