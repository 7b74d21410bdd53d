"""Models of the knowledge base's tables, of requests, and of what research adds to the base.

Belongs here: one model per table, with where its rows come from. Stays out: reading the files
(``knowledge``) and what an event does to a row (``loopback``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.sources.tables import SHA256, upstream
from aina_assets.warehouse.tables import Parent, ProvenancedTable, SourceTable, table_name

TEXTS = pa.list_(pa.string())
NUMBERS = pa.list_(pa.int64())
OTHER_FORMS = pa.list_(pa.struct([("where", pa.string()), ("form", pa.string())]))
"""Forms that are usual elsewhere; in the files an object by place."""
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def _identity(description: str) -> Any:
    return pap.Field(str_matches=_ID, description=description)


def _text(description: str, **options: Any) -> Any:
    return pap.Field(description=description, **options)


def _codes(description: str = "Codes of the objectives it belongs to.") -> Any:
    return pap.Field(description=description)


# ------------------------------------------------------------------------------ the knowledge base


class KbLearningObjectives(
    SourceTable, key=("lo_code",), parents=upstream("kb_learning_objectives")
):
    """Learning objectives with their codes in the target curriculum and in sister curricula."""

    lo_code: str = _identity("Code of the objective.")
    target_code: str = _text(
        "Its code in the target curriculum; null: only a sister has it.", nullable=True
    )
    sister_codes: TEXTS = _codes("Its codes in sister curricula.")  # type: ignore[valid-type]
    statement: str = _text("What a student can do.")
    bloom_verb: str = _text("The verb of the statement.")
    grade: int = _text("Grade in which it is taught.", ge=0)
    strand: str = _text("Strand of the curriculum.")
    class_in_chapter: str = _text(
        "What it is to the chapter.", isin=["core", "extension", "prerequisite"]
    )
    depends_on: TEXTS = _codes("Codes it rests on directly.")  # type: ignore[valid-type]


class KbComponents(SourceTable, key=("component_id",), parents=upstream("kb_components")):
    """Smallest teachable steps of an objective.

    ``master_lo_code``, ``statement`` and ``bloom_verb`` say which step it is and never change;
    what is learned about it later is in ``kb_enrichment_events``.
    """

    component_id: str = _identity("The component.")
    master_lo_code: str = _text("Code of the objective it is a step of.")
    statement: str = _text("What a student can do.")
    bloom_verb: str = _text("The verb of the statement.")

    @pap.dataframe_check(description="no two components of an objective say the same")
    def statement_is_said_once(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether the statement stands once under its objective."""
        columns = (data.table[name].to_pylist() for name in ("master_lo_code", "statement"))
        steps = list(zip(*columns, strict=True))
        counted = Counter(steps)
        return pa.chunked_array([pa.array([counted[step] == 1 for step in steps], pa.bool_())])


class KbMisconceptions(
    SourceTable, key=("misconception_id",), parents=upstream("kb_misconceptions")
):
    """What students are likely to believe, with a question on which the belief goes wrong."""

    misconception_id: str = _identity("The misconception.")
    belief: str = _text("What is believed.")
    example_error: str = _text("What a student who believes it says or writes.")
    why: str = _text("Where the belief comes from.")
    probe: str = _text("A question that shows it.")
    probe_answer: str = _text("The correct answer to the probe.")
    wrong_answer: str = _text("The answer that the belief gives.")
    lo_codes: TEXTS = _codes()  # type: ignore[valid-type]
    response: str = _text("What to do about it.")


class KbVocabulary(SourceTable, key=("vocabulary_id",), parents=upstream("kb_vocabulary")):
    """Terms with definition, regional forms and false friends."""

    vocabulary_id: str = _identity("The term's entry.")
    term: str = _text("The term.")
    definition: str = _text("What it means, for students.")
    formality: str = _text(
        "Whether it may be used before it is defined.", isin=["everyday", "semi_formal", "formal"]
    )
    introduced_in_grade: int = _text("Grade in which it is introduced.", ge=0)
    regions: TEXTS = _codes("Where this form is usual; all: everywhere.")  # type: ignore[valid-type]
    other_forms: OTHER_FORMS = _codes("Forms usual elsewhere.")  # type: ignore[valid-type]
    es: str = _text("The Spanish term.", nullable=True)
    false_friends: TEXTS = _codes(  # type: ignore[valid-type]
        "Warnings about words that look or sound the same."
    )
    lo_codes: TEXTS = _codes()  # type: ignore[valid-type]


class KbVisualRepresentations(
    SourceTable, key=("vir_id",), parents=upstream("kb_visual_representations")
):
    """Visual instructional representations (VIR): what they show, and when they mislead."""

    vir_id: str = _identity("The representation.")
    name: str = _text("What it is called.")
    description: str = _text("What is seen, and what is done with it.")
    cpa_phase: str = _text(
        "Phase in which it is handled at first.", isin=["concrete", "pictorial", "abstract"]
    )
    shows: str = _text("What can be seen on it.")
    misleads_when: str = _text("When it must not be relied on.")
    good_for_denominators: NUMBERS = _codes(  # type: ignore[valid-type]
        "Denominators for which it can be drawn or made; empty where it has none."
    )
    lo_codes: TEXTS = _codes()  # type: ignore[valid-type]


class KbTextbookReferences(
    SourceTable, key=("textbook_ref_id",), parents=upstream("kb_textbook_references")
):
    """Passages of textbooks, with the objectives they treat."""

    textbook_ref_id: str = _identity("The passage.")
    textbook: str = _text("Title of the textbook.")
    chapter: str = _text("Its chapter.")
    section: str = _text("Its section.")
    pages: str = _text("Its pages.")
    treats: str = _text("What it treats.")
    lo_codes: TEXTS = _codes()  # type: ignore[valid-type]


class KbInteractives(SourceTable, key=("interactive_id",), parents=upstream("kb_interactives")):
    """Interactives that exist: what the student does, and on which representation."""

    interactive_id: str = _identity("The interactive.")
    title: str = _text("What it is called.")
    kind: str = _text("Applet, practice or video.")
    ias_archetype: str = _text("Its interaction pattern; null: it has none.", nullable=True)
    interaction: str = _text("What the student does and sees.")
    vir_ids: TEXTS = _codes("Representations it shows.")  # type: ignore[valid-type]
    lo_codes: TEXTS = _codes()  # type: ignore[valid-type]
    url: str = _text("Where it is.", str_matches=r"^https?://\S+$")


class KbConventions(SourceTable, key=("convention_id",), parents=upstream("kb_conventions")):
    """Notation, terms and formats that differ by region, curriculum or language."""

    convention_id: str = _identity("The convention.")
    kind: str = _text("What differs: notation, term, format or false friend.")
    subject: str = _text("What it is about.")
    delivery_form: str = _text("The form that content uses.")
    other_forms: OTHER_FORMS = _codes("Forms usual elsewhere.")  # type: ignore[valid-type]
    risk: str = _text("What the other forms may be taken for.")
    show: str = _text("How content deals with it.")
    regions: TEXTS = _codes("Where it matters; all: everywhere.")  # type: ignore[valid-type]
    lo_codes: TEXTS = _codes()  # type: ignore[valid-type]


class KbModules(SourceTable, key=("module_id",), parents=upstream("kb_modules")):
    """Modules of neighbouring chapters, before and after those to be written."""

    module_id: str = _identity("The module.")
    grade: int = _text("Its grade.", ge=0)
    chapter: str = _text("Its chapter.")
    position: int = _text("Its position there, from 1.", ge=1)
    relation: str = _text("Whether objectives rest on it, or it on them.", isin=["before", "after"])
    title: str = _text("What it is called.")
    content_type: str = _text("Its content type.")
    lo_codes: TEXTS = _codes("Codes it teaches.")  # type: ignore[valid-type]
    serves_lo_codes: TEXTS = _codes(  # type: ignore[valid-type]
        "Codes of objectives that rest on it, or that it builds on."
    )
    visual_models: TEXTS = _codes("Representations it uses.")  # type: ignore[valid-type]
    terms: TEXTS = _codes("Terms it introduces or uses.")  # type: ignore[valid-type]


KB_TABLES = {
    "learning_objectives": KbLearningObjectives,
    "components": KbComponents,
    "misconceptions": KbMisconceptions,
    "visual_representations": KbVisualRepresentations,
    "vocabulary": KbVocabulary,
    "conventions": KbConventions,
    "textbook_references": KbTextbookReferences,
    "interactives": KbInteractives,
    "modules": KbModules,
}
"""Models by the name of the table within the knowledge base, which is the field in its file."""


# -------------------------------------------------------------------------------------- requests


class AuthoringRequests(
    SourceTable,
    key=("chapter_id",),
    parents=(Parent("upstream/authoring_requests", (("request_file", "path"),)),),
):
    """Requests of a learning management system, one for each chapter to be written."""

    chapter_id: str = _identity("The chapter.")
    chapter_title: str = _text("What it is called.")
    grade: int = _text("Its grade.", ge=0)
    target_curriculum: str = _text("Id of the curriculum it is written for.")
    document: str = _text("The whole request, canonical JSON.")
    request_file: str = _text("Path of the request in the lock.")


# ------------------------------------------------------------------- what research adds to the base

MOMENTS = ("chapter", "module", "applet")
"""When the base is written to, in that order: at finalize, and after research of either scope."""
COMPONENTS = "components"
INSERT, ENRICH = "insert", "enrich"
APPENDED, REFUSED = "appended", "refused"
CHANGES = pa.list_(
    pa.struct([("event_id", pa.string()), ("before", pa.string()), ("after", pa.string())])
)


class KbEnrichmentEvents(
    ProvenancedTable,
    key=("event_id",),
    parents=tuple(
        Parent(f"{lane}_kb_write_agent", (("event_id", "event_id"),), where=(("moment", moment),))
        for lane, moment in zip(("ch_research", "mod_review", "app_review"), MOMENTS, strict=True)
    ),
):
    """Everything that was to be added to the knowledge base, one row a write and row of the base.

    Rows stand in the order in which they are replayed. A row says what differs and nothing else;
    one that would change what identifies a row of the base is refused, and changes nothing.
    """

    event_id: str = pap.Field(str_matches=SHA256, description="Digest of what the event says.")
    sequence: int = pap.Field(ge=1, description="Position among the events of its moment, from 1.")
    moment: str = pap.Field(isin=list(MOMENTS), description="When it was written.")
    unit_id: str = pap.Field(description="Chapter, module or applet it was written for.")
    document: str = pap.Field(description="Contract of the document it comes from.")
    document_sha256: str = pap.Field(str_matches=SHA256, description="Digest of that document.")
    kb_table: str = pap.Field(isin=[COMPONENTS], description="Table of the base it is about.")
    row_key: str = pap.Field(description="Key of the row there.")
    kind: str = pap.Field(isin=[INSERT, ENRICH], description="Whether the row is new.")
    status: str = pap.Field(isin=[APPENDED, REFUSED], description="Whether it holds.")
    reason: str = pap.Field(nullable=True, description="Why it was refused; else null.")
    fields: TEXTS = _codes("Fields that differ.")  # type: ignore[valid-type]
    before: str = pap.Field(description="Those of them that the row had, as a JSON object.")
    after: str = pap.Field(description="What they are from then on, as a JSON object.")

    @pap.dataframe_check(description="what is refused says why, and nothing else does")
    def refused_events_have_reasons(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether a reason is given exactly where the event is refused."""
        return pc.equal(pc.equal(data.table["status"], REFUSED), data.table["reason"].is_valid())

    @pap.dataframe_check(description="an event names a field, and says what each is from then on")
    def fields_are_those_that_differ(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether ``fields`` are those of ``after``, at least one, and each differs."""
        names = ("fields", "before", "after")
        rows = zip(*(data.table[name].to_pylist() for name in names), strict=True)
        answers: list[bool | None] = []
        for fields, before, after in rows:
            if fields is None or before is None or after is None:
                answers.append(None)
                continue
            was, becomes = json.loads(before), json.loads(after)
            answers.append(
                sorted(becomes) == sorted(fields)
                and bool(fields)
                and was.keys() <= becomes.keys()
                and all(was[name] != becomes[name] for name in was)
            )
        return pa.chunked_array([pa.array(answers, pa.bool_())])


class ChResearchKbWriteAgent(
    KbEnrichmentEvents,
    key=("event_id",),
    parents=(
        Parent("ch_research_derive_module_sequence", (("document_sha256", "document_sha256"),)),
    ),
):
    """What chapters add to the knowledge base when they are closed: where components are taught.

    A component that the base does not have is inserted.
    """


class ModReviewKbWriteAgent(
    KbEnrichmentEvents,
    key=("event_id",),
    parents=(Parent("mod_review_research_deep", (("document_sha256", "document_sha256"),)),),
):
    """What modules add to the knowledge base once their research has passed its gate."""


class AppReviewKbWriteAgent(
    KbEnrichmentEvents,
    key=("event_id",),
    parents=(Parent("app_review_research_deep", (("document_sha256", "document_sha256"),)),),
):
    """What applets add to the knowledge base once their research has passed its gate."""


class KbEnriched(
    ProvenancedTable,
    key=("kb_table", "row_key"),
    parents=(
        Parent(
            "kb_enrichment_events",
            (("kb_table", "kb_table"), ("row_key", "row_key")),
            only=(("status", APPENDED),),
        ),
        *(
            Parent(table_name(model), (("row_key", model.__key__[0]),), where=(("kb_table", name),))
            for name, model in KB_TABLES.items()
        ),
    ),
):
    """The knowledge base with what research added: each row as it was, and as it is now."""

    kb_table: str = pap.Field(isin=list(KB_TABLES), description="Table of the base.")
    row_key: str = pap.Field(description="Key of the row there.")
    base: str = pap.Field(nullable=True, description="The row as authored, JSON; null: it is new.")
    enriched: str = pap.Field(description="The row with all that was added, JSON.")
    changes: CHANGES = _codes("Events about it, in their order.")  # type: ignore[valid-type]
    event_count: int = pap.Field(ge=0, description="How many these are.")

    @pap.dataframe_check(description="what was added, replayed over the row, gives the row")
    def replay_gives_the_row(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether the changes, replayed over ``base``, give ``enriched``, and are counted."""
        names = ("base", "enriched", "changes", "event_count")
        rows = zip(*(data.table[name].to_pylist() for name in names), strict=True)
        answers = [
            None
            if enriched is None or changes is None or count is None
            else row_after(json.loads(base or "{}"), changes) == json.loads(enriched)
            and len(changes) == count
            for base, enriched, changes, count in rows
        ]
        return pa.chunked_array([pa.array(answers, pa.bool_())])


def row_after(base: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``base`` with each change's ``after`` (JSON) taken over in turn."""
    row = dict(base)
    for change in changes:
        row |= json.loads(change["after"])
    return row
