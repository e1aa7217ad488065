"""Events in trees of ROOT files, in batches; expressions are computed by uproot."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FormatError, InputError, NextstatError
from nextstat_core.io.containers import RootDirectories, mapped
from nextstat_histograms.baskets import check_branch
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
    with _opened(path, tree) as (file, directories):
        events = _tree(path, file, tree)
        _check_branches(path, events, expressions, directories)
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

    with _opened(path, name) as (file, _):
        return as_histogram(file[name], flow=flow)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[tuple[Any, RootDirectories]]:
    """A ROOT file in which uproot finds an object; what is on the way to it has been checked.

    Bytes decide what uproot's decoders run into, and they raise almost every exception there is;
    so all of them become one of ours.
    """
    with needs("uproot", "root"), needs("awkward", "root"):
        import awkward  # noqa: F401  uproot imports it later, with a message of its own
        import uproot
    try:
        with mapped(path) as data:
            directories = RootDirectories(data)
            _check_object(path, directories, name)
            # This is a local file, whatever its name: no handler of fsspec, no colon before an
            # object.
            with uproot.open({str(path): None}, handler=uproot.MemmapSource) as file:
                yield file, directories
    except FormatError as error:
        raise FormatError(f"{str(path)!r} is damaged: {error}") from error
    except NextstatError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise FormatError(f"cannot read from {str(path)!r}, as a ROOT file: {reason}") from error


def _check_object(path: Path, directories: RootDirectories, name: str) -> None:
    key = directories.find(name)
    if key is None:
        folder = name.strip("/").rpartition("/")[0]
        where = f"{folder!r} of {str(path)!r}" if folder else repr(str(path))
        raise InputError.unknown(f"object in {where}", name, directories.names(folder))
    directories.check(key)
    directories.check_classes()


def _tree(path: Path, file: Any, name: str) -> Any:
    import uproot

    tree = file[name]
    if not isinstance(tree, uproot.TTree):
        raise InputError(f"{name!r} of {str(path)!r} is a {type(tree).__name__}; expected a TTree")
    return tree


def _check_branches(
    path: Path, tree: Any, expressions: Sequence[Expression], directories: RootDirectories
) -> None:
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
            check_branch(directories, tree[name], tree.num_entries)


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
