"""Job titles as the market writes them, and titles as coders label them.

Market titles are put together from the world's titles and made messy; others are written out.
Labelled titles are half an occupation's own titles, half other words for it.
"""

import random as rand
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aina_assets_tests.sample_world.files import write_delimited, write_text
from aina_assets_tests.sample_world.world import World, load_yaml, rng

MADE_MARKET_ROWS = 2160
MADE_PLAIN_ROWS = 200
DUPLICATE_SHARE = 0.04
OWN_TITLES_LABELLED = 2
ILLUSTRATIVE_SHARE = 0.35
SOURCES = ("job_board", "profile_sample", "crm_export", "survey_free_text")
ACCENTS = str.maketrans("aeiou", "áéíóú")

Style = Callable[[str, rand.Random, dict[str, Any]], str]


def write(world: World, folder: Path) -> None:
    parts: dict[str, Any] = load_yaml("market_titles.yaml")
    base = _base_titles(world)
    write_delimited(
        folder / "sample_market_titles.csv",
        ("title", "count", "source"),
        _market_rows(base, parts) + _authored_rows(parts),
    )
    random = rng("plain titles")
    plain = sorted(random.sample(base, 150))
    plain += [_messy(random, base, parts) for _ in range(MADE_PLAIN_ROWS - len(plain))]
    text = "\n".join(" ".join(title.split()) for title in plain + parts["authored_plain"])
    write_text(folder / "sample_plain_titles.txt", text + "\n")
    write_delimited(
        folder / "sample_labelled_titles.csv",
        ("soc_code", "direct_match_title", "illustrative_example"),
        _labelled_rows(world),
    )


def _base_titles(world: World) -> list[str]:
    titles = {o.title for o in world.occupations if len(o.title) < 45}
    for occupation in world.occupations:
        titles |= {*occupation.titles, *occupation.reported}
    return sorted(titles)


def _market_rows(base: list[str], parts: dict[str, Any]) -> list[tuple[str, int | None, str]]:
    random = rng("market titles")
    titles = list(base) + parts["foreign"] + parts["not_jobs"] + parts["blanks"]
    duplicates = int(MADE_MARKET_ROWS * DUPLICATE_SHARE)
    made = MADE_MARKET_ROWS - duplicates - len(titles)
    titles += [_messy(random, base, parts) for _ in range(made)]
    titles += random.choices(titles, k=duplicates)
    random.shuffle(titles)
    return [(title, _count(random), random.choice(SOURCES)) for title in titles]


def _authored_rows(parts: dict[str, Any]) -> list[tuple[str, int | None, str]]:
    random = rng("authored market titles")
    titles = [title for kind in parts["authored"].values() for title in kind]
    random.shuffle(titles)
    return [(title, _count(random), random.choice(SOURCES)) for title in titles]


def _labelled_rows(world: World) -> list[tuple[str, str, str | None]]:
    """By code and title: SOC codes, and O*NET-SOC codes where O*NET divides the SOC occupation."""
    random = rng("labelled titles")
    content = load_yaml("labelled_titles.yaml")
    labels = {(o.code, t) for o in world.occupations for t in content["variants"][o.code]}
    labels |= {(code, title) for title, codes in content["both"].items() for code in codes}
    for occupation in world.occupations:
        own = random.sample(occupation.titles, OWN_TITLES_LABELLED)
        labels |= {(occupation.code, title) for title in own}
    return [
        (
            code.removesuffix(".00"),
            title,
            "x" if random.random() < ILLUSTRATIVE_SHARE else None,
        )
        for code, title in sorted(labels)
    ]


def _count(random: rand.Random) -> int | None:
    return None if random.random() < 0.03 else int(random.paretovariate(0.9))


def _messy(random: rand.Random, base: list[str], parts: dict[str, Any]) -> str:
    """One to three kinds of mess on one title."""
    title = random.choice(base)
    for style in random.sample(STYLES, random.choices((1, 2, 3), (5, 4, 1))[0]):
        title = style(title, random, parts)
    return title


def _seniority(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    mark: str = random.choice(parts["seniority"])
    after = mark.startswith("(") or set(mark) <= {"I", "V"}
    return f"{title} {mark}" if after else f"{mark} {title}"


def _abbreviate(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    for word, forms in parts["abbreviations"].items():
        title = re.sub(rf"\b{word}\b", random.choice(forms), title)
    return title


def _place(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    return random.choice(("{} - {}", "{} ({})", "{}, {}", "{} | {}")).format(
        title, random.choice(parts["places"])
    )


def _company(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    return random.choice(("{} at {}", "{} @ {}", "{} @{}", "{} \u2013 {}")).format(
        title, random.choice(parts["companies"])
    )


def _requisition(title: str, random: rand.Random, _parts: dict[str, Any]) -> str:
    number = random.randrange(10_000, 999_999)
    return random.choice(("{} - REQ{}", "{} (R-{})", "{1} {0}", "{} #{}", "{} - JR{}-1")).format(
        title, number
    )


def _employment(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    return random.choice(("{} - {}", "{} ({})", "{} {}")).format(
        title, random.choice(parts["employment"])
    )


def _team(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    return random.choice(("{}, {}", "{} - {}", "{1} {0}", "{} / {}")).format(
        title, random.choice(parts["teams"])
    )


def _typo(title: str, random: rand.Random, _parts: dict[str, Any]) -> str:
    if len(title) < 4:
        return title
    place = random.randrange(1, len(title) - 2)
    pair = title[place : place + 2]
    changed = random.choice((pair[::-1], pair[0], pair[0] * 2 + pair[1]))
    return title[:place] + changed + title[place + 2 :]


def _case(title: str, random: rand.Random, _parts: dict[str, Any]) -> str:
    return random.choice((title.upper(), title.upper(), title.lower(), title.swapcase()))


def _invert(title: str, _random: rand.Random, _parts: dict[str, Any]) -> str:
    head, _, last = title.rpartition(" ")
    return f"{last}, {head}" if head and "," not in title else title


def _decorate(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    emoji = random.choice(parts["emoji"])
    return random.choice((f"{emoji} {title}", f"{title} {emoji}", f"{emoji}{title}{emoji}"))


def _accent(title: str, random: rand.Random, _parts: dict[str, Any]) -> str:
    place = random.randrange(len(title))
    return title[:place] + title[place:].translate(ACCENTS)


def _space(title: str, random: rand.Random, _parts: dict[str, Any]) -> str:
    gap = random.choice(("  ", "\u00a0", "_", " - ", "/"))
    return random.choice((f"  {title}", f"{title} ", title.replace(" ", gap)))


def _two_jobs(title: str, random: rand.Random, parts: dict[str, Any]) -> str:
    other = random.choice(parts["foreign"] + ["Founder", "Consultant", "Coach", "Board Member"])
    return random.choice(("{} & {}", "{} / {}", "{} | {}", "{1} + {0}")).format(title, other)


STYLES: tuple[Style, ...] = (
    *(_seniority, _seniority, _abbreviate, _place, _company, _requisition, _employment, _team),
    *(_typo, _case, _invert, _decorate, _accent, _space, _two_jobs),
)
