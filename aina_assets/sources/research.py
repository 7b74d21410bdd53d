"""Research exposure measures: the one layout that is not a plain list of rows.

Belongs here: unpivoting the occupation-by-activity weights of "Working with AI".
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import CSV, format_error, read_strings
from aina_assets.sources.tables import WorkingWithAiWeights
from aina_assets.warehouse.tables import arrow_schema


def working_with_ai_weights(working_with_ai_weights: SourceFiles) -> pa.Table:
    """Rows of ``WorkingWithAiWeights``: one per occupation and activity of weight above zero.

    The file is wide: ``SOC Code``, then one column per activity.

    Raises:
        SourceFormatError: the file is not in that layout.
    """
    frames = [_weights(file) for file in working_with_ai_weights.files]
    return pa.concat_tables(frames) if frames else arrow_schema(WorkingWithAiWeights).empty_table()


def _weights(file: SourceFile) -> pa.Table:
    cells = read_strings(file, CSV, None)
    if cells.column_names[0] != "SOC Code" or cells.num_columns < 2:
        raise format_error(
            file, "SOC Code, then one column per activity", ", ".join(cells.column_names[:4])
        )
    rows = pa.array(range(1, cells.num_rows + 1), pa.int64())
    parts = []
    for iwa_id in cells.column_names[1:]:
        try:
            weights = cells[iwa_id].cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise format_error(file, f"numbers in column {iwa_id!r}", str(error)) from error
        part = pa.table({"soc_code": cells["SOC Code"], "weight": weights, "source_row": rows})
        part = part.filter(pc.not_equal(part["weight"], 0.0))
        parts.append(part.append_column("iwa_id", pa.repeat(pa.scalar(iwa_id), part.num_rows)))
    table = pa.concat_tables(parts)
    for name, value in (("source_class", file.source_class), ("allowed_use", file.allowed_use)):
        table = table.append_column(name, pa.repeat(pa.scalar(str(value)), table.num_rows))
    return table
