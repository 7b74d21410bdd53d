"""Graded submissions: what people and graders gave for the same work, by criterion.

Belongs here: letting a file of labels in. A column that names or reaches a person is an error on
the header alone. Stays out: how well raters agree (``practice``).
"""

from __future__ import annotations

import pyarrow as pa

from aina_assets.sources.files import SourceFiles
from aina_assets.sources.reading import CSV, header_of, read_delimited
from aina_assets.sources.tables import GradedSubmissions
from aina_assets.sources.titles import refuse_people


def graded_submissions(graded_submissions: SourceFiles) -> pa.Table:
    """Rows of ``GradedSubmissions``.

    Raises:
        SourceFormatError: the file is not in its layout, or has a column that names or reaches a
            person.
    """
    for file in graded_submissions.files:
        refuse_people(file, header_of(file, CSV))
    return read_delimited(graded_submissions, GradedSubmissions, CSV)
