"""Events in trees of ROOT files, in batches; expressions are computed by uproot."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FormatError, InputError, NextstatError
from nextstat_histograms.missing import needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from nextstat_histograms.conversion import Flow
    from nextstat_histograms.expressions import Expression
    from nextstat_histograms.histogram import Histogram

__all__ = ["read_histogram", "read_tree"]


def read_tree(
    path: Path, tree: str | None, expressions: Sequence[Expression], n_rows: int
) -> Iterator[dict[str, NDArray[Any]]]:
    """Compute expressions of the branches of a tree.

    Parameters
    ----------
    path : Path
    tree : str
        Name of the tree in the file.
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
        If the tree or a branch is missing, or a branch does not have one number per event.
    FormatError
        If the file is no usable ROOT file.
    """
    if tree is None:
        raise InputError(f"{str(path)!r} is no Parquet file, and no tree in it is named")
    with _opened(path) as file:
        events = _tree(path, file, tree)
        _check_branches(path, events, expressions)
        texts = [each.text for each in expressions]
        for batch in events.iterate(texts, step_size=n_rows, library="ak"):
            yield {text: _flat(path, text, batch[text]) for text in texts}


def read_histogram(path: Path, name: str, flow: Flow) -> Histogram:
    """Read one histogram of a ROOT file.

    Raises
    ------
    InputError
        If it is not there, or is no histogram of counts on one axis.
    FormatError
        If the file is no usable ROOT file.
    """
    from nextstat_histograms.conversion import as_histogram

    with _opened(path) as file:
        return as_histogram(_entry(path, file, name), flow=flow)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A ROOT file; whatever uproot raises while it is open means that it cannot be used.

    Bytes decide what uproot's decoders run into, and they raise almost every exception there is;
    so all of them become one of ours.
    """
    with needs("uproot", "root"), needs("awkward", "root"):
        import awkward  # noqa: F401  uproot imports it later, with a message of its own
        import uproot
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    try:
        # This is a local file, whatever its name: no handler of fsspec, no colon before an object.
        with uproot.open({str(path): None}, handler=uproot.MemmapSource) as file:
            yield file
    except NextstatError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise FormatError(f"cannot read from {str(path)!r}, as a ROOT file: {reason}") from error


def _entry(path: Path, file: Any, name: str) -> Any:
    try:
        return file[name]
    except KeyError as error:
        names = file.keys(cycle=False)
        raise InputError.unknown(f"object in {str(path)!r}", name, names) from error


def _tree(path: Path, file: Any, name: str) -> Any:
    import uproot

    tree = _entry(path, file, name)
    if not isinstance(tree, uproot.TTree):
        raise InputError(f"{name!r} of {str(path)!r} is a {type(tree).__name__}; expected a TTree")
    return tree


def _check_branches(path: Path, tree: Any, expressions: Sequence[Expression]) -> None:
    names = {*tree.keys(full_paths=False), *tree.keys()}
    for expression in expressions:
        # An alias is an expression that the file brings; ours are the only ones to be computed.
        aliased = [name for name in expression.columns if name in tree.aliases]
        if aliased:
            raise InputError(
                f"{', '.join(map(repr, aliased))} of {str(path)!r} stands for an expression in the "
                "file",
                hint="write that expression instead",
            )
        expression.require(names)
        for name in expression.columns:
            _check_size(path, name, tree[name], tree.num_entries)


def _check_size(path: Path, name: str, branch: Any, n_events: int) -> None:
    """Declared numbers of events have to agree with the bytes that are there."""
    itemsize = getattr(getattr(branch.interpretation, "from_dtype", None), "itemsize", 1)
    if branch.num_entries != n_events or n_events * itemsize > branch.uncompressed_bytes:
        raise FormatError(
            f"branch {name!r} of {str(path)!r} declares {branch.num_entries} entries in "
            f"{branch.uncompressed_bytes} bytes, and its tree {n_events}"
        )


def _flat(path: Path, text: str, values: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values.to_numpy(allow_missing=False))
    except (AttributeError, TypeError, ValueError) as error:
        raise _not_flat(path, text) from error
    if array.ndim != 1:
        raise _not_flat(path, text)
    return array


def _not_flat(path: Path, text: str) -> InputError:
    return InputError(
        f"{text!r} of {str(path)!r} is not one number per event",
        hint="branches with several numbers per event have to be flattened first",
    )
