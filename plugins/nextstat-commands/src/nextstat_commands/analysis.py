"""What all commands that fit have in common: from a workspace to what is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

import click

from nextstat_commands.assignments import bounds_by_name, fixed_by_name, values_by_name
from nextstat_commands.loading import (
    Source,
    backend_options,
    limit_threads,
    load_backend,
    source_options,
)
from nextstat_commands.output import is_terminal, write_json
from nextstat_commands.timing import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nextstat_commands.output import Display
    from nextstat_core.models import HistFactoryModel

__all__ = ["Analysis", "Outputs", "with_analysis"]

_NOT_CONVERGED = 3

#: Arguments of `Analysis.begin`.
_NAMES = (
    *("source", "backend", "device", "threads", "parity", "fix", "init", "bounds"),
    *("output", "as_json", "json_metrics"),
)
_PARAMETERS = (
    click.option("--fix", multiple=True, metavar="NAME[=VALUE]", help="Hold a parameter fixed."),
    click.option("--init", multiple=True, metavar="NAME=VALUE", help="Start value of a parameter."),
    click.option("--bounds", multiple=True, metavar="NAME=LO,HI", help="Bounds of a parameter."),
)
_OUTPUTS = (
    click.option("--threads", type=click.IntRange(1), default=1, show_default=True),
    click.option("--parity", is_flag=True, help="Compensated sums, for comparisons."),
    click.option("-o", "--output", metavar="FILE", help="Write the result as JSON to a file."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON even on a terminal."),
    click.option(
        "--json-metrics",
        metavar="FILE",
        help="Write a summary for trackers; '-' prints it instead of the result.",
    ),
)


def with_analysis(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of all commands that fit, and call `command` with the `Analysis` of them.

    Modules of commands import what computes in the function only: array libraries ask once how
    many threads to use, when they are imported.
    """

    @wraps(command)
    def call(**options: Any) -> Any:
        common = {name: options.pop(name) for name in _NAMES}
        return command(Analysis.begin(**common), **options)

    decorated: Callable[..., Any] = call
    for option in reversed((*_PARAMETERS, backend_options, *_OUTPUTS)):
        decorated = option(decorated)
    return source_options("measurement", "poi", "interpolation")(decorated)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the user wants the result."""

    output: str | None = None
    as_json: bool = False
    json_metrics: str | None = None

    @property
    def metrics_only(self) -> bool:
        """Whether standard output is taken by the metrics."""
        return self.json_metrics == "-"

    def write(self, data: Mapping[str, Any], display: Display) -> None:
        """Write the result itself."""
        if self.output is not None:
            write_json(data, self.output)
        if self.as_json or (self.output is None and not self.metrics_only and not is_terminal()):
            write_json(data, "-")
        elif not self.metrics_only and is_terminal():
            display.show()


@dataclass(frozen=True, slots=True)
class Analysis:
    """A model, what the user said about its parameters, and what is done with a result.

    Attributes
    ----------
    request : dict
        The arguments `fixed`, `init` and `bounds` of functions that fit.
    """

    source: Source
    model: HistFactoryModel
    request: dict[str, Any]
    threads: int
    outputs: Outputs
    watch: Stopwatch = field(default_factory=Stopwatch)

    @classmethod
    def begin(
        cls,
        *,
        source: Source,
        backend: str,
        device: str | None,
        threads: int,
        parity: bool,
        fix: tuple[str, ...],
        init: tuple[str, ...],
        bounds: tuple[str, ...],
        output: str | None,
        as_json: bool,
        json_metrics: str | None,
    ) -> Self:
        """Load the model; arguments are the options that `with_analysis` adds."""
        watch = Stopwatch()
        limit_threads(threads)
        model = source.model(load_backend(backend, device), precise=parity)
        request = {
            "fixed": fixed_by_name("--fix", fix, model.parameter_names()),
            "init": values_by_name("--init", init),
            "bounds": bounds_by_name("--bounds", bounds),
        }
        watch.lap("load")
        outputs = Outputs(output, as_json, json_metrics)
        return cls(source, model, request, threads, outputs, watch)

    def finish(self, result: object, data: Mapping[str, Any], display: Display) -> None:
        """Write a result: `data` as JSON, `display` on a terminal, metrics where asked for.

        The command ends with another exit code if fits that count did not converge.
        """
        from nextstat_core.metrics import metrics, plain

        self.watch.lap("fit")
        origin = {**self._origin(), **data.get("provenance", {})}
        summary = metrics(
            result, timing=self.watch.timing(), threads=self.threads, provenance=origin
        )
        if self.outputs.json_metrics is not None:
            write_json(summary, self.outputs.json_metrics)
        tree, reasons = plain({**data, "provenance": origin})
        self.outputs.write(
            {**tree, "null_reasons": {**data.get("null_reasons", {}), **reasons}}, display
        )
        if not summary["status"]["converged"]:
            reason = summary["status"]["reason"]
            click.echo(f"error: the fit did not converge: {reason}", err=True)
            click.get_current_context().exit(_NOT_CONVERGED)

    def _origin(self) -> dict[str, Any]:
        from nextstat_core.infer.provenance import provenance_of
        from nextstat_core.infer.target import target_of

        return {
            **provenance_of(target_of(self.model)),
            "workspace": self.source.workspace,
            "patches": list(self.source.patches),
        }
