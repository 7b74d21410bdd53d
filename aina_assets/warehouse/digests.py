"""Content digests: equal for equal data, whatever the library version, file layout or day.

Belongs here: digests of tables, of plain JSON values and of files. A table's digest covers column
names, types and values in row order; it does not depend on chunking, on Parquet encoding, or on
the bytes that happen to lie under a null.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
from upath import UPath


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


def digest_of_json(value: object) -> str:
    """sha256 (hexadecimal) of ``value`` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of_file(path: Path | UPath) -> tuple[str, int]:
    """``(hexadecimal sha256, size in bytes)`` of the file at ``path``."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")  # type: ignore[arg-type]
        return digest.hexdigest(), stream.tell()


def digest_of_table(table: pa.Table) -> str:
    """sha256 (hexadecimal) of ``table``: names, types, row count and values, in row order.

    Raises:
        TypeError: a column's type has no canonical form here.
    """
    content = hashlib.sha256()
    content.update(f"rows:{table.num_rows}\n".encode())
    for name, column in zip(table.column_names, table.columns, strict=True):
        content.update(f"{name}:{_type_name(column.type)}\n".encode())
        _update(content, _one_array(column))
    return content.hexdigest()


def _type_name(kind: pa.DataType) -> str:
    # Parquet, DuckDB and pyarrow each have their own name for the element of a list.
    if pa.types.is_list(kind):
        return f"list<{_type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{field.name}: {_type_name(field.type)}' for field in kind)}>"
    return str(kind)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _update(content: _Hash, array: pa.Array) -> None:
    kind = array.type
    content.update(_bytes_of(pc.cast(array.is_valid(), pa.uint8())))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        content.update(_bytes_of(lengths.cast(pa.int64())))
        _update(content, pc.list_flatten(array))
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            _update(content, pc.struct_field(array, index))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        filled = pc.fill_null(array, "").cast(pa.large_string())
        content.update(_bytes_of(pc.binary_length(filled)))
        content.update(_text_of(filled))
    elif pa.types.is_boolean(kind):
        content.update(_bytes_of(pc.cast(pc.fill_null(array, False), pa.uint8())))
    elif pa.types.is_floating(kind):
        # Adding zero turns -0.0 into 0.0; every NaN becomes the same NaN.
        filled = pc.add(pc.fill_null(array.cast(pa.float64()), 0.0), 0.0)
        same_nan = pc.if_else(pc.is_nan(filled), pa.scalar(float("nan")), filled)
        content.update(_bytes_of(same_nan))
    elif pa.types.is_integer(kind):
        content.update(_bytes_of(pc.fill_null(array, 0).cast(pa.int64())))
    elif pa.types.is_date32(kind):
        content.update(_bytes_of(pc.fill_null(array.cast(pa.int32()), 0).cast(pa.int64())))
    elif pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        content.update(_bytes_of(pc.fill_null(array.cast(pa.int64()), 0)))
    elif not pa.types.is_null(kind):
        raise TypeError(f"no canonical form for Arrow type {kind}")


def _bytes_of(array: pa.Array) -> bytes:
    # A copy drops the offset of a slice; the validity bitmap was hashed on its own.
    compact = pa.concat_arrays([array.slice(0, 0), array]) if array.offset else array
    width = compact.type.bit_width // 8
    buffer = compact.buffers()[1]
    return b"" if buffer is None else buffer.to_pybytes()[: len(compact) * width]


def _text_of(array: pa.Array) -> bytes:
    if len(array) == 0:
        return b""
    offsets = memoryview(array.buffers()[1]).cast("q")
    start, stop = offsets[array.offset], offsets[array.offset + len(array)]
    data = array.buffers()[2]
    return b"" if data is None else data.slice(start, stop - start).to_pybytes()
