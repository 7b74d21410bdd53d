"""The BLS files of the sample: a national wage workbook, the SOC structure, three crosswalks."""

from collections.abc import Iterator
from pathlib import Path

from aina_assets_tests.sample_world.files import Cell, Row, write_delimited, write_workbook
from aina_assets_tests.sample_world.world import SocGroup, World, rng

COLUMNS = (  # noqa: SIM905
    "AREA AREA_TITLE AREA_TYPE PRIM_STATE NAICS NAICS_TITLE I_GROUP OWN_CODE OCC_CODE OCC_TITLE "
    "O_GROUP TOT_EMP EMP_PRSE JOBS_1000 LOC_QUOTIENT PCT_TOTAL PCT_RPT H_MEAN A_MEAN MEAN_PRSE "
    "H_PCT10 H_PCT25 H_MEDIAN H_PCT75 H_PCT90 A_PCT10 A_PCT25 A_MEDIAN A_PCT75 A_PCT90 "
    "ANNUAL HOURLY"
).split()
AREA = ("99", "U.S.", "1", "US", "000000", "Cross-industry", "cross-industry", "1235")
HOURS = 2080
TOP_HOURLY, TOP_ANNUAL = 115.00, 239_200
PERCENTILES = (0.52, 0.71, 1.0, 1.38, 1.86)
MEAN_FACTOR = 1.11
NO_EMPLOYMENT = "19-3022"
NO_WAGES = "27-3043"
PREFIX = {"major": 2, "minor": 4, "broad": 6, "detailed": 7}
NOTES: tuple[Row, ...] = (
    ("Sample wage estimates: authored, every figure is made up",),
    (),
    ("Field", "Field Description"),
    ("occ_code", "Occupation code (SOC 2018)"),
    ("o_group", "Level of the row: total, major, minor, broad, or detailed"),
    ("tot_emp", "Employment, rounded to ten"),
    ("a_median", "Median yearly wage"),
    ("annual", "TRUE where yearly wages are given without hourly ones"),
    (),
    ("*  = no wage figure",),
    ("**  = no employment figure",),
    ("#  = at or above $115.00 an hour or $239,200 a year",),
)


def write(world: World, folder: Path) -> None:
    rows: list[Row] = [COLUMNS, *_wage_rows(world)]
    sheets = {"national_sample_dl": rows, "Field Descriptions": NOTES}
    write_workbook(folder / "oews" / "national_sample_dl.xlsx", sheets)
    soc = folder / "soc"
    write_workbook(soc / "soc_structure_sample.xlsx", {"2018 Structure": _structure(world)})
    write_delimited(
        soc / "soc2010_to_soc2018.csv",
        ("soc2010", "soc2010_title", "soc2018", "soc2018_title"),
        ((p.old, p.old_title, p.new, p.new_title) for p in world.soc_pairs),
    )
    titles = ("O*NET-SOC 2010 Code", "O*NET-SOC 2010 Title")
    write_delimited(
        soc / "2010_to_2019_Crosswalk.csv",
        (*titles, "O*NET-SOC 2019 Code", "O*NET-SOC 2019 Title"),
        ((p.old, p.old_title, p.new, p.new_title) for p in world.onet_pairs),
    )
    write_delimited(
        soc / "2019_to_SOC_Crosswalk.csv",
        ("O*NET-SOC 2019 Code", "O*NET-SOC 2019 Title", "2018 SOC Code", "2018 SOC Title"),
        ((o.code, o.title, o.soc, world.detailed_socs[o.soc]) for o in world.occupations),
    )


def _structure(world: World) -> Iterator[Row]:
    yield ("Sample of the 2018 Standard Occupational Classification",)
    yield ("Codes and titles are those of the official structure; most rows are left out",)
    yield ()
    yield ("For the sample world of this project",)
    yield ()
    yield ()
    yield ()
    yield "Major Group", "Minor Group", "Broad Group", "Detailed Occupation", None
    for group in world.soc_groups:
        place = list(PREFIX).index(group.level)
        cells: list[Cell] = [None] * 4
        cells[place] = group.code
        yield *cells, group.title


def _wage_rows(world: World) -> Iterator[Row]:
    yield _wage_row(world, SocGroup("total", "00-0000", "All Occupations"), "")
    for group in world.soc_groups:
        yield _wage_row(world, group, group.code[: PREFIX[group.level]])


def _wage_row(world: World, group: SocGroup, prefix: str) -> Row:
    members = [o for o in world.occupations if o.jobs and o.code.startswith(prefix)]
    jobs = round(sum(o.jobs for o in members), -1)
    median = sum(o.wage * o.jobs for o in members) / jobs
    socs = {o.soc for o in members}
    random = rng(f"wages {sorted(socs)}")
    spread = random.uniform(0.93, 1.07)
    annual = [median * factor**spread for factor in PERCENTILES]
    mean = median * MEAN_FACTOR
    hourly_hidden = all(o.annual_only for o in members)
    withheld = socs == {NO_WAGES}
    hours: list[Cell] = [_hourly(value) for value in (mean, *annual)]
    years: list[Cell] = [_annual(value) for value in (mean, *annual)]
    if hourly_hidden or withheld:
        hours = ["*"] * 6
    if withheld:
        years = ["*"] * 6
    employment: tuple[Cell, Cell] = (jobs, round(random.uniform(0.1, 4.0), 1))
    if socs == {NO_EMPLOYMENT} and group.level in ("broad", "detailed"):
        employment = ("**", "**")
    return (
        *(*AREA, group.code, group.title, group.level, *employment, None, None, None, None),
        *(hours[0], years[0], round(random.uniform(0.1, 2.5), 1), *hours[1:], *years[1:]),
        *("TRUE" if hourly_hidden else "", ""),
    )


def _hourly(annual: float) -> Cell:
    value = round(annual / HOURS, 2)
    return "#" if value >= TOP_HOURLY else value


def _annual(value: float) -> Cell:
    return "#" if value >= TOP_ANNUAL else round(value / 10) * 10
