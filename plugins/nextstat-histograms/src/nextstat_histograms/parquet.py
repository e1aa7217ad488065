"""Events in Parquet files, in batches; expressions are computed by numexpr."""

from __future__ import annotations

from os import SEEK_END
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io.containers import column_chunks, page_sizes, refuse_excess
from nextstat_histograms.missing import needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from numpy.typing import NDArray

    from nextstat_histograms.expressions import Expression

__all__ = ["read_parquet"]

#: Events that a file may hold, whatever its size, and for each of its bytes: a column in which all
#: of them are equal takes some 150 bytes for a million.
_FREE_ROWS, _ROWS_PER_BYTE = 10**7, 10**4
#: What numexpr raises for operations that it does not have for these types; overflows; too many
#: columns or intermediate results.
_CANNOT_COMPUTE = (
    *(ArithmeticError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError),
)


def read_parquet(
    path: Path, tree: str | None, expressions: Sequence[Expression], n_rows: int
) -> Iterator[dict[str, NDArray[Any]]]:
    """Compute expressions of the columns of a file.

    Parameters
    ----------
    path : Path
    tree : None
        Parquet files hold one table.
    expressions : sequence of Expression
    n_rows : int
        Largest number of events per batch.

    Yields
    ------
    dict of str to ndarray, shape (n_events,)
        By the text of the expression.

    Raises
    ------
    InputError
        If a column is missing, is no number, or is missing for some events.
    FormatError
        If the file is no usable Parquet.
    """
    if tree is not None:
        raise InputError(f"{str(path)!r} is Parquet, which has no tree {tree!r}")
    with needs("pyarrow", "parquet"):
        import pyarrow as pa
        from pyarrow import parquet
    _check_declared(path, {name for each in expressions for name in each.columns})
    n_read = 0
    try:
        # Threads and buffers would read ahead, and keep several row groups in memory.
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            columns = _check_columns(path, file.schema_arrow, expressions)
            batches = file.iter_batches(batch_size=n_rows, columns=columns, use_threads=False)
            for batch in batches:
                n_read += len(batch)
                arrays = {name: _array(path, name, batch.column(name)) for name in columns}
                yield {each.text: _compute(each, arrays) for each in expressions}
            if n_read != file.metadata.num_rows:
                rows = f"it declares {file.metadata.num_rows} rows and has {n_read}"
                raise FormatError(f"{str(path)!r} is damaged: {rows}")
    # Names of columns in a damaged file may be no text.
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        raise FormatError(f"{str(path)!r} is no usable Parquet: {error}") from error


def _check_declared(path: Path, columns: Set[str]) -> None:
    """Check the footer, and what the pages of `columns` unpack to.

    Arrow allocates pages of the size that they declare, and asked for the metadata of a damaged
    column it may end the process.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, SEEK_END)
            n_rows = dict.fromkeys(columns, 0)
            for chunk in column_chunks(file):
                if chunk.path in columns:
                    n_rows[chunk.path] += chunk.num_values
                    for page in page_sizes(file, chunk):
                        refuse_excess(page, size, f"a page of column {chunk.path!r}")
    except FileNotFoundError as error:
        raise InputError(f"no file {str(path)!r}") from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error}") from error
    except FormatError as error:
        raise FormatError(f"{str(path)!r} is no usable Parquet: {error}") from error
    limit = _FREE_ROWS + _ROWS_PER_BYTE * size
    if max(n_rows.values()) > limit:
        raise FormatError(
            f"{str(path)!r} declares {max(n_rows.values())} events in {size} bytes; expected at "
            f"most {limit}"
        )


def _check_columns(path: Path, schema: Any, expressions: Sequence[Expression]) -> list[str]:
    from pyarrow import types

    for expression in expressions:
        expression.require(schema.names)
    columns = list(dict.fromkeys(name for each in expressions for name in each.columns))
    for name in columns:
        if schema.names.count(name) > 1:
            raise InputError(f"{str(path)!r} has more than one column {name!r}")
        kind = schema.field(name).type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
            raise InputError(
                f"column {name!r} of {str(path)!r} is of type {kind}; expected one number per event"
            )
    return columns


def _array(path: Path, name: str, column: Any) -> NDArray[Any]:
    if column.null_count:
        raise InputError(
            f"column {name!r} of {str(path)!r} is missing for {column.null_count} of "
            f"{len(column)} events",
            hint="fill missing values before they are written",
        )
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _compute(expression: Expression, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    if expression.text in arrays:
        return arrays[expression.text]
    with needs("numexpr", "parquet"):
        import numexpr
    # Columns get names of ours: they cannot be mistaken for functions of numexpr.
    names = {name: f"column_{index}" for index, name in enumerate(expression.columns)}
    try:
        return numexpr.evaluate(
            expression.renamed(names),
            local_dict={names[name]: arrays[name] for name in names},
            global_dict={},
            truediv=True,
            sanitize=True,
        )
    except _CANNOT_COMPUTE as error:
        raise InputError(f"cannot compute {expression.text!r}: {error}") from error
