"""The inputs of the graph: every kind of upstream file the project knows how to read.

Belongs here: names and descriptions that do not depend on any lock, so that the graph has the same
nodes whichever lock is built. Stays out: paths, hashes, licences (those are the lock's).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Input:
    """One declared input.

    Attributes:
        name: its name in locks, in the graph (``upstream/<name>``) and in transform arguments.
        source: the dataset it belongs to; inputs of one dataset are checked in one step.
        description: what the file holds.
        layout: how it is stored, shown as the asset's kind.
        is_list: several files may feed it.
    """

    name: str
    source: str
    description: str
    layout: str = "csv"
    is_list: bool = False


def _onet(name: str, description: str) -> Input:
    return Input(f"onet_{name}", "onet", description, layout="text")


def _economic_index(name: str, description: str, layout: str = "csv") -> Input:
    return Input(f"economic_index_{name}", "economic_index", description, layout)


def _kb(name: str, description: str) -> Input:
    return Input(f"kb_{name}", "authoring_kb", description, layout="yaml")


INPUTS: tuple[Input, ...] = (
    _onet("occupation_data", "O*NET occupations: code, title, description."),
    _onet("task_statements", "O*NET tasks by occupation."),
    _onet("task_ratings", "O*NET task importance, relevance and frequency; not in every mirror."),
    _onet("alternate_titles", "O*NET alternate (lay) titles by occupation."),
    _onet("reported_titles", "Titles that job incumbents reported to O*NET."),
    _onet("dwa_reference", "O*NET detailed work activities (DWA) and their hierarchy."),
    _onet("iwa_reference", "O*NET intermediate work activities (IWA)."),
    _onet("task_dwas", "O*NET tasks linked to detailed work activities."),
    _onet("technology_skills", "Software and tools by occupation, with UNSPSC commodity codes."),
    _onet("job_zones", "O*NET job zone (preparation level, 1-5) by occupation."),
    _onet("related_occupations", "O*NET related occupations with relatedness tier and rank."),
    Input("soc_structure", "soc", "SOC 2018 structure: major to detailed groups.", "workbook"),
    Input("soc_2010_to_2018", "soc", "Crosswalk from SOC 2010 to SOC 2018."),
    Input("onet_soc_2010_to_2019", "soc", "Crosswalk from O*NET-SOC 2010 to O*NET-SOC 2019."),
    Input("onet_soc_2019_to_soc_2018", "soc", "Crosswalk from O*NET-SOC 2019 to SOC 2018."),
    _economic_index("task_usage", "Share of Claude conversations by O*NET task, 2025-02-10."),
    _economic_index("task_usage_v2", "Share of Claude conversations by O*NET task, 2025-03-27."),
    _economic_index("task_statements", "The O*NET 20.1 tasks (SOC 2010) the usage refers to."),
    _economic_index("interaction_types", "Share of conversations by automation/augmentation type."),
    _economic_index("employment", "BLS employment by SOC major group, May 2023, as released."),
    _economic_index("wages", "Wage, outlook and automation signals by O*NET occupation (legacy)."),
    _economic_index("job_exposure", "Observed exposure by SOC 2018 occupation."),
    _economic_index("task_penetration", "Observed penetration by O*NET task text."),
    _economic_index(
        "requests_claude_ai", "Request clusters seen on claude.ai, 2025-09-15.", "json"
    ),
    _economic_index("requests_api", "Request clusters seen on the first-party API.", "json"),
    Input("gdpval_train", "gdpval", "GDPval gold tasks with rubrics (train split).", "parquet"),
    Input("bls_oews_national", "bls_oews", "OEWS national wages and employment.", "workbook"),
    Input("bls_oews_series", "bls_oews", "OEWS time-series file oe.data.0.Current.", "text"),
    Input("working_with_ai_iwa", "working_with_ai", "AI usage metrics by work activity (IWA)."),
    Input("working_with_ai_soc", "working_with_ai", "AI usage metrics by SOC occupation."),
    Input("working_with_ai_scores", "working_with_ai", "AI applicability score by SOC occupation."),
    Input("working_with_ai_weights", "working_with_ai", "IWA weights by SOC occupation."),
    Input("gpts_occupations", "gpts_are_gpts", "LLM exposure ratings by O*NET occupation."),
    Input("gpts_tasks", "gpts_are_gpts", "LLM exposure labels by O*NET task.", "text"),
    Input("title_lists", "titles", "Raw job-title lists: market signal.", is_list=True),
    Input("labelled_titles", "titles", "Titles that coders gave a SOC code.", is_list=True),
    Input("graded_submissions", "practice_labels", "What people and graders gave submissions."),
    Input("recorded_decisions", "review", "Signed decisions about the bundled sample.", "json"),
    _kb("learning_objectives", "Knowledge base: objectives with codes of several curricula."),
    _kb("components", "Knowledge base: smallest teachable steps of objectives."),
    _kb("misconceptions", "Knowledge base: misconceptions with probes and responses."),
    _kb("vocabulary", "Knowledge base: terms with regional forms and false friends."),
    _kb("visual_representations", "Knowledge base: visual instructional representations."),
    _kb("textbook_references", "Knowledge base: passages of textbooks by objective."),
    _kb("interactives", "Knowledge base: interactives that exist."),
    _kb("conventions", "Knowledge base: notation and terms that differ by region."),
    _kb("modules", "Knowledge base: modules of neighbouring chapters."),
    Input("authoring_requests", "authoring_requests", "Chapters asked for.", "yaml", is_list=True),
    Input(
        "authoring_storyboards",
        "authoring_requests",
        "Storyboards of applets, each called after its module.",
        "pptx",
        is_list=True,
    ),
)
"""Every declared input, in the order of the datasets."""

BY_NAME: dict[str, Input] = {declared.name: declared for declared in INPUTS}
