"""From the arguments that commands share to a document and a model."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.models import HistFactoryModel

__all__ = [
    "Source",
    "backend_options",
    "limit_threads",
    "load_backend",
    "source_options",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Source:
    """Which workspace, and how it is read."""

    workspace: str
    patches: tuple[str, ...] = ()
    measurement: str | None = None
    poi: str | None = None
    interpolation: str | None = None

    def content(self) -> Any:
        """Return the text of the workspace, or the document with patches applied."""
        from nextstat_core.io import read_text

        return self.document() if self.patches else read_text(self.workspace)

    def document(self) -> Any:
        """Return the decoded workspace with all patches applied."""
        from nextstat_core.io import apply_patch, decode, read_text

        document = decode(read_text(self.workspace)).usable()
        for reference in self.patches:
            document = apply_patch(document, reference)
        return document

    def model(self, **options: Any) -> HistFactoryModel:
        """Return the compiled model; its warnings go to standard error.

        `options` are those of `HistFactoryModel.from_workspace` that say where it is evaluated.
        """
        from nextstat_core.models import HistFactoryModel

        # A path, so that formats of plugins are recognised; standard input has none.
        has_path = not self.patches and self.workspace != "-"
        source = Path(self.workspace) if has_path else self.content()
        model = HistFactoryModel.from_workspace(source, **self.choices(), **options)
        for warning in model.warnings:
            click.echo(f"warning: {warning}", err=True)
        return model

    def choices(self) -> dict[str, Any]:
        """Arguments of `HistFactoryModel.from_workspace` that say how a workspace is read."""
        poi = {} if self.poi is None else {"poi": None if self.poi == "none" else self.poi}
        interpolation = _interpolation(self.interpolation)
        return {"measurement": self.measurement, "interpolation": interpolation, **poi}


_SOURCE = {
    "patches": click.option(
        "--patch",
        "patches",
        multiple=True,
        metavar="FILE[:NAME]",
        help="Apply a JSON patch, or the patch NAME of a patchset; may be repeated.",
    ),
    "measurement": click.option(
        "--measurement", metavar="NAME", help="Measurement; default: the first."
    ),
    "poi": click.option(
        "--poi", metavar="NAME|none", help="Parameter of interest; default: as declared."
    ),
    "interpolation": click.option(
        "--interpolation",
        metavar="CODES",
        help="'pyhf', 'root', or codes: normsys=code1,histosys/jes=code0.",
    ),
}


def source_options(
    *names: str, also: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the workspace, its patches, and of how it is read what is named.

    The command gets all of it as `source`.

    Parameters
    ----------
    *names : {"measurement", "poi", "interpolation"}
    also : tuple of str
        More names of the option ``--input``.
    """
    fields = ("patches", *names)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def call(*, workspace: str | None, given: str | None, **options: Any) -> Any:
            if (workspace is None) == (given is None):
                raise click.UsageError("name one WORKSPACE, as the argument or with --input")
            how = {name: options.pop(name) for name in fields}
            return command(source=Source(workspace or given or "", **how), **options)

        decorated: Callable[..., Any] = call
        for name in reversed(fields):
            decorated = _SOURCE[name](decorated)
        named = ("-i", "--input", *also, "given")
        help_ = "The workspace, instead of the argument."
        decorated = click.option(*named, metavar="FILE", help=help_)(decorated)
        return click.argument("workspace", required=False)(decorated)

    return decorate


def backend_options(command: _Command) -> _Command:
    """Add the options that decide where a model is evaluated; see `load_backend`."""
    name = click.option(
        "--backend",
        metavar="NAME[:DEVICE]",
        default="numpy",
        envvar="NEXTSTAT_BACKEND",
        show_default=True,
        show_envvar=True,
        help="Array backend that evaluates the model.",
    )
    device = click.option("--device", metavar="DEVICE", help="Device, in the backend's own terms.")
    return name(device(command))


def load_backend(name: str, device: str | None) -> Backend:
    """Return the backend that `backend_options` chose."""
    from nextstat_core.backend import get_backend

    # An environment variable that is set to nothing chooses nothing.
    return get_backend(name or "numpy", device)


def limit_threads(threads: int) -> None:
    """Tell array libraries how many threads to use; counts only before they are loaded."""
    if "numpy" not in sys.modules:
        for name in _THREAD_VARIABLES:
            os.environ.setdefault(name, str(threads))


def _interpolation(text: str | None) -> str | dict[str, str] | None:
    if text is None or "=" not in text:
        return text
    codes = {}
    for entry in text.split(","):
        key, equals, code = entry.rpartition("=")
        if not equals:
            raise InputError(f"`--interpolation` has {entry!r}; expected KIND=CODE")
        codes[key] = code
    return codes
