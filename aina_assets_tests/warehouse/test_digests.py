"""A digest is of the content: equal for equal data, whatever holds it; different for any change."""

from __future__ import annotations

import datetime
import io
import itertools
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aina_assets.warehouse.digests import digest_of_json, digest_of_table

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
# One zero and one NaN: the digest holds 0.0 and -0.0 to be the same.
_FLOATS = st.floats(allow_nan=False).map(lambda value: value + 0.0)

_CELLS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): _TEXTS,
    pa.int64(): _INTEGERS,
    pa.int32(): st.integers(min_value=-(2**31), max_value=2**31 - 1),
    pa.float64(): _FLOATS,
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.list_(pa.string()): st.lists(st.none() | _TEXTS, max_size=3),
    pa.list_(pa.list_(pa.int64())): st.lists(st.none() | st.lists(_INTEGERS, max_size=2)),
    pa.struct([("x", pa.int64()), ("y", pa.string())]): st.fixed_dictionaries(
        {"x": st.none() | _INTEGERS, "y": st.none() | _TEXTS}
    ),
}


@st.composite
def tables(draw: st.DrawFn, min_rows: int = 0) -> pa.Table:
    """Tables of any of the supported types, with nulls."""
    row_count = draw(st.integers(min_value=min_rows, max_value=6))
    types = draw(st.lists(st.sampled_from(list(_CELLS)), min_size=1, max_size=4))
    columns = {
        f"c{place}": pa.array(
            draw(st.lists(st.none() | _CELLS[kind], min_size=row_count, max_size=row_count)), kind
        )
        for place, kind in enumerate(types)
    }
    return pa.table(columns)


@given(tables(), st.lists(st.integers(min_value=0, max_value=6), max_size=3))
def test_chunks_are_no_matter(table: pa.Table, cuts: list[int]) -> None:
    places = sorted({0, table.num_rows, *(cut for cut in cuts if cut <= table.num_rows)})
    slices = [table.slice(start, stop - start) for start, stop in itertools.pairwise(places)]
    rechunked = pa.concat_tables([table.slice(0, 0), *slices])

    assert digest_of_table(rechunked) == digest_of_table(table)


@given(tables(), tables())
def test_a_slice_is_only_its_rows(table: pa.Table, other: pa.Table) -> None:
    padding = table.slice(0, 1)
    longer = pa.concat_tables([padding, table, padding]).combine_chunks()
    cut = longer.slice(padding.num_rows, table.num_rows)

    assert digest_of_table(cut) == digest_of_table(table)
    if not table.equals(other):
        assert digest_of_table(table) != digest_of_table(other)


@given(tables())
def test_parquet_and_back(table: pa.Table) -> None:
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    stream.seek(0)

    assert digest_of_table(pq.read_table(stream)) == digest_of_table(table)


@given(tables())
def test_ipc_and_back(table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)

    read = pa.ipc.open_stream(sink.getvalue()).read_all()

    assert digest_of_table(read) == digest_of_table(table)


@given(tables(min_rows=1), st.data())
def test_any_changed_cell_shows(table: pa.Table, data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(table.column_names))
    row = data.draw(st.integers(min_value=0, max_value=table.num_rows - 1))
    kind = table.schema.field(column).type
    cells = table[column].to_pylist()
    changed = data.draw(st.none() | _CELLS[kind])
    assume(changed != cells[row])
    cells[row] = changed
    place = table.column_names.index(column)
    other = table.set_column(place, column, pa.array(cells, kind))
    assume(not other.equals(table))

    assert digest_of_table(other) != digest_of_table(table)


@given(tables(min_rows=1))
def test_a_row_more_or_less_shows(table: pa.Table) -> None:
    digests = {
        digest_of_table(table),
        digest_of_table(table.slice(1)),
        digest_of_table(pa.concat_tables([table, table.slice(0, 1)])),
    }

    assert len(digests) == 3


@given(tables())
def test_names_and_their_order_count(table: pa.Table) -> None:
    renamed = table.rename_columns([f"{name}_" for name in table.column_names])
    assert digest_of_table(renamed) != digest_of_table(table)
    if table.num_columns > 1:
        turned = table.select(table.column_names[::-1])
        assert digest_of_table(turned) != digest_of_table(table)


def test_the_order_of_rows_counts() -> None:
    """Tables are stored in key order: another order is another table."""
    first = pa.table({"a": [1, 2]})
    second = pa.table({"a": [2, 1]})

    assert digest_of_table(first) != digest_of_table(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([1, 2], pa.int64()), pa.array([1, 2], pa.int32())),
        (pa.array([1.0], pa.float64()), pa.array([1], pa.int64())),
        (pa.array([1.0], pa.float64()), pa.array([1.0], pa.float32())),
        (pa.array([True]), pa.array([1], pa.uint8())),
        (pa.array(["1"]), pa.array([1], pa.int64())),
        (pa.array([None], pa.string()), pa.array([""], pa.string())),
        (pa.array([None], pa.int64()), pa.array([0], pa.int64())),
        (pa.array([None], pa.bool_()), pa.array([False])),
        (pa.array([None], pa.float64()), pa.array([math.nan])),
        (pa.array([[]], pa.list_(pa.int64())), pa.array([None], pa.list_(pa.int64()))),
        (pa.array([["a"], []]), pa.array([[], ["a"]])),
        (pa.array([["a", None]]), pa.array([["a"]])),
        (pa.array(["ab", "c"]), pa.array(["a", "bc"])),
        (pa.array([{"x": None}]), pa.array([None], pa.struct([("x", pa.null())]))),
    ],
)
def test_what_looks_alike_is_told_apart(one: pa.Array, other: pa.Array) -> None:
    assert digest_of_table(pa.table({"a": one})) != digest_of_table(pa.table({"a": other}))


def test_what_lies_under_a_null_is_no_matter() -> None:
    """Kernels leave anything in the bytes of a null value."""
    validity = pa.py_buffer(bytes([0b101]))
    left = pa.Array.from_buffers(
        pa.int64(), 3, [validity, pa.array([1, 99, 3], pa.int64()).buffers()[1]]
    )
    right = pa.Array.from_buffers(
        pa.int64(), 3, [validity, pa.array([1, -7, 3], pa.int64()).buffers()[1]]
    )
    assert left.equals(right)

    assert digest_of_table(pa.table({"a": left})) == digest_of_table(pa.table({"a": right}))


def test_text_under_a_null_is_no_matter() -> None:
    validity = pa.py_buffer(bytes([0b101]))
    garbage = pa.array(["a", "garbage", "c"])
    left = pa.Array.from_buffers(pa.string(), 3, [validity, *garbage.buffers()[1:]])
    right = pa.array(["a", None, "c"])
    assert left.equals(right)

    assert digest_of_table(pa.table({"a": left})) == digest_of_table(pa.table({"a": right}))


def test_items_of_a_null_list_and_fields_of_a_null_struct_are_no_matter() -> None:
    lists = pa.ListArray.from_arrays([0, 1, 3], [1, 98, 99], mask=pa.array([False, True]))
    assert digest_of_table(pa.table({"a": lists})) == digest_of_table(
        pa.table({"a": pa.array([[1], None], pa.list_(pa.int64()))})
    )
    structs = pa.StructArray.from_arrays(
        [pa.array([1, 99], pa.int64())], names=["x"], mask=pa.array([False, True])
    )
    assert digest_of_table(pa.table({"a": structs})) == digest_of_table(
        pa.table({"a": pa.array([{"x": 1}, None], pa.struct([("x", pa.int64())]))})
    )


def test_one_zero_and_one_not_a_number() -> None:
    quiet = pa.table({"a": [0.0, math.nan]})
    signed = pa.table({"a": [-0.0, -math.nan]})

    assert digest_of_table(quiet) == digest_of_table(signed)


def test_a_type_without_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="dictionary"):
        digest_of_table(pa.table({"a": pa.array(["x"]).dictionary_encode()}))


FIXED = pa.table(
    {
        "code": pa.array(["13-2011", None, "15-1252.00", ""]),
        "count": pa.array([1, -2, None, 2**62], pa.int64()),
        "share": pa.array([0.1, None, -0.0, 1e300]),
        "flag": pa.array([True, None, False, True]),
    }
)
NESTED = pa.table(
    {
        "names": pa.array([["a", None], [], None, ["é"]], pa.list_(pa.string())),
        "place": pa.array([{"x": 1, "y": "b"}, None, {"x": None, "y": ""}, {"x": 2, "y": None}]),
        "day": pa.array([datetime.date(2024, 5, 1), None, None, datetime.date(1970, 1, 1)]),
        "at": pa.array([0, None, 1, 2], pa.timestamp("us", tz="UTC")),
        "nothing": pa.nulls(4),
    }
)


def test_pinned_digests() -> None:
    """A library update that changes these rebuilds every table and renames every release."""
    assert digest_of_table(FIXED) == (
        "3be2beb2de394f4fe3cb51a88713a55bb5d6dd875e3f98f47aa87d2ddb0ca98d"
    )
    assert digest_of_table(NESTED) == (
        "f24153b45cd644a76a0796b7468c1a12e87ab553270115d9b6a05e70f360afee"
    )
    assert digest_of_table(FIXED.slice(0, 0)) == (
        "79ed913be6886365d9a391727baff67a0ffa5378f5fe32b079680c72f002fb9b"
    )


def test_json_is_canonical() -> None:
    assert digest_of_json({"b": [1, "é"], "a": None}) == digest_of_json({"a": None, "b": [1, "é"]})
    assert digest_of_json({"b": [1, "é"], "a": None}) == (
        "f8f17faab95c024891d173fa43442b0e52007736a1f36715ac721ab22deeefc5"
    )
    assert digest_of_json([1, 2]) != digest_of_json([2, 1])
    assert digest_of_json("1") != digest_of_json(1)
