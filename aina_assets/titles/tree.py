"""The occupation tree: O*NET-SOC occupations at the leaves, SOC 2018 groups above them.

Belongs here: which group holds which, and the deepest group that holds several codes. Stays out:
titles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from aina_assets.contracts.errors import AinaError
from aina_assets.titles.vocabulary import LEVELS


@dataclass(frozen=True)
class OccupationTree:
    """Occupations and the groups above them.

    Attributes:
        codes: O*NET-SOC 2019 codes, sorted: the classes of every model here.
        above: for each code its group at every level of ``LEVELS``, itself first.
        titles: title of every code and group.
        unstaffed: detailed groups without an O*NET occupation, with the groups above them.
    """

    codes: tuple[str, ...]
    above: tuple[tuple[str, ...], ...]
    titles: dict[str, str]
    unstaffed: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, occupations: pa.Table, soc_groups: pa.Table) -> OccupationTree:
        """The tree of the tables ``occupations`` and ``soc_groups``.

        Raises:
            AinaError: an occupation's detailed code is not in the SOC structure.
        """
        groups = {row["soc_code"]: row for row in soc_groups.to_pylist()}
        rows = sorted(occupations.to_pylist(), key=lambda row: str(row["onet_soc_code"]))
        titles = {code: str(row["title"]) for code, row in groups.items()}
        above = []
        for row in rows:
            code = row["onet_soc_code"]
            group = groups.get(code[:7])
            if group is None or group["level"] != "detailed":
                raise AinaError(
                    expected=f"a detailed group {code[:7]} in the SOC 2018 structure",
                    found="none" if group is None else f"a {group['level']} group",
                    where=f"occupations {code}",
                    remedy="lock an O*NET release and a SOC structure of the same vintage",
                )
            titles[code] = row["title"]
            above.append(
                (code, code[:7], group["broad_code"], group["minor_code"], group["major_code"])
            )
        staffed = {line[1] for line in above}
        unstaffed = tuple(
            (code, row["broad_code"], row["minor_code"], row["major_code"])
            for code, row in sorted(groups.items())
            if row["level"] == "detailed" and code not in staffed
        )
        return cls(tuple(line[0] for line in above), tuple(above), titles, unstaffed)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each code."""
        return {code: position for position, code in enumerate(self.codes)}

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Codes of each level of ``LEVELS``, sorted."""
        return tuple(
            tuple(sorted({line[level] for line in self.above})) for level in range(len(LEVELS))
        )

    @cached_property
    def group_of(self) -> tuple[np.ndarray, ...]:
        """For each level, the position in ``groups`` of every code's group; it never falls."""
        return tuple(
            np.array([self.places[level][line[level]] for line in self.above], dtype=np.int32)
            for level in range(len(LEVELS))
        )

    @cached_property
    def places(self) -> tuple[dict[str, int], ...]:
        """For each level, the position in ``groups`` of every group."""
        return tuple({code: place for place, code in enumerate(found)} for found in self.groups)

    @cached_property
    def members(self) -> dict[str, tuple[int, ...]]:
        """Positions of the occupations below each code or group; of a code itself."""
        found: dict[str, list[int]] = {}
        for position, line in enumerate(self.above):
            for group in dict.fromkeys(line):
                found.setdefault(group, []).append(position)
        return {group: tuple(places) for group, places in found.items()}

    @cached_property
    def ancestors(self) -> dict[str, tuple[str | None, ...]]:
        """For each code or group its group at every level; null below its own level."""
        found: dict[str, tuple[str | None, ...]] = {}
        for line in self.above:
            for level, group in enumerate(line):
                found.setdefault(group, (*(None,) * level, *line[level:]))
        for bare in self.unstaffed:
            found.setdefault(bare[0], (None, *bare))
        return found

    def common(self, codes: Iterable[str]) -> tuple[str | None, ...]:
        """The group, at every level, that holds all of ``codes``; null where they part.

        A detailed code stands beside an O*NET code below it without contradicting it: the O*NET
        code is then the deeper of the two.
        """
        lines = [self.ancestors.get(code, _NOWHERE) for code in codes]
        found: list[str | None] = [None] * len(LEVELS)
        # From the top: codes that part at one level have nothing in common below it.
        for level in reversed(range(len(LEVELS))):
            said = {line[level] for line in lines}
            if level < FINEST_NAMED:
                said.discard(None)
            if len(said) != 1 or None in said:
                break
            found[level] = said.pop()
        return tuple(found)


FINEST_NAMED = LEVELS.index("detailed")
"""The level that every code names; below it a code may be silent."""

_NOWHERE: tuple[str | None, ...] = (None,) * len(LEVELS)
