"""Every hook of nextstat; the reference for authors of plugins.

A plugin is a module (or object) that an entry point of the group ``nextstat.plugins`` names. It
implements any of the functions below under their names, marked with `hookimpl`. Arguments are only
ever added to hooks; an implementation may leave out those that it does not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.hooks._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_core.backend import BackendSpec
    from nextstat_core.hooks.contributions import (
        AnalysisSpec,
        FitEvent,
        ReaderSpec,
        ToolSpec,
        WriterSpec,
    )
    from nextstat_core.ir import ModifierType

__all__ = [
    "nextstat_observe_fit",
    "nextstat_register_analyses",
    "nextstat_register_backends",
    "nextstat_register_commands",
    "nextstat_register_models",
    "nextstat_register_modifiers",
    "nextstat_register_readers",
    "nextstat_register_tools",
    "nextstat_register_writers",
]


@hookspec
def nextstat_register_backends() -> Iterable[BackendSpec]:
    """Announce array backends.

    Called once per process, the first time that a backend is looked up. The answers of all plugins
    are combined into one list without order; a name that two plugins claim is refused when it is
    asked for, and the error names both distributions.

    An implementation must not import its array library: it returns a `BackendSpec` whose `load`
    does. A user who never asks for the backend must not pay for it.

    Returns
    -------
    iterable of BackendSpec
        Empty where the plugin has no backend to offer on this machine.

    See Also
    --------
    nextstat_core.testing.BackendContract : tests to run against the backend.

    Examples
    --------
    ::

        from nextstat_core.backend import BackendSpec
        from nextstat_core.hooks import hookimpl

        def load(device):
            from acme_backend import AcmeBackend  # the only place that imports acme

            return AcmeBackend(device)

        @hookimpl
        def nextstat_register_backends():
            return [BackendSpec(name="acme", load=load, description="Acme accelerators")]
    """
    raise NotImplementedError


@hookspec
def nextstat_register_modifiers() -> Iterable[ModifierType]:
    """Announce kinds of modifiers, beyond those of HistFactory.

    Called once per process, the first time that a workspace holds a modifier that the core does not
    know. The answers of all plugins are combined into one mapping from `kind`; a kind that two
    plugins claim is refused when a workspace uses it.

    An implementation must not use a ``type`` of HistFactory, and must not import an array library.

    Returns
    -------
    iterable of ModifierType
        Empty where the plugin has none.

    See Also
    --------
    nextstat_core.ir.ModifierType : what a kind of modifier supplies.
    nextstat_core.testing.ModifierContract : tests to run against the modifier.

    Examples
    --------
    ::

        from nextstat_core.hooks import hookimpl
        from nextstat_core.ir import Curve, Parameter, RowFactor

        class Scale:
            kind = "acme_scale"

            def parameters(self, name, data, n_bins):
                return (Parameter(name, name, init=1.0, lower=0.0, upper=10.0),)

            def lower(self, modifier, sample, channel):
                return (RowFactor(modifier.parameters[0], Curve()),)

        @hookimpl
        def nextstat_register_modifiers():
            return [Scale()]
    """
    raise NotImplementedError


@hookspec
def nextstat_register_readers() -> Iterable[ReaderSpec]:
    """Announce formats that can be read.

    Called once per process, the first time that a document of unknown format is read. The answers
    of all plugins are combined; formats are asked in the order of their names whether they detect
    the text, and a name that two plugins claim is refused.

    An implementation must not open files before `read` is called, and its `detect` must not raise.

    Returns
    -------
    iterable of ReaderSpec
        Empty where the plugin reads nothing.

    See Also
    --------
    nextstat_core.testing.PluginContract : tests to run against the plugin.

    Examples
    --------
    ::

        from nextstat_core.hooks import ReaderSpec, hookimpl

        def detect(text):
            return text.startswith("ACME")

        def read(text, **options):
            from acme_format import to_model

            return to_model(text)

        @hookimpl
        def nextstat_register_readers():
            return [ReaderSpec(name="acme", detect=detect, read=read)]
    """
    raise NotImplementedError


@hookspec
def nextstat_register_writers() -> Iterable[WriterSpec]:
    """Announce formats that can be written.

    Called once per process, the first time that a model is written in a format that the core does
    not know. The answers of all plugins are combined; a name that two plugins claim is refused.

    An implementation must not write files in `write`, which returns the text; only `write_files`
    does, where the format is more than one text.

    Returns
    -------
    iterable of WriterSpec
        Empty where the plugin writes nothing.

    See Also
    --------
    nextstat_core.testing.PluginContract : tests to run against the plugin.

    Examples
    --------
    ::

        from nextstat_core.hooks import WriterSpec, hookimpl

        def write(model, **options):
            return "ACME " + " ".join(channel.name for channel in model.channels)

        @hookimpl
        def nextstat_register_writers():
            return [WriterSpec(name="acme", write=write)]
    """
    raise NotImplementedError


@hookspec
def nextstat_register_models() -> Iterable[tuple[str, type[Any]]]:
    """Announce classes of models: regression, survival, state space.

    Called once per process, the first time that models are listed or looked up by name. The answers
    of all plugins are combined into one mapping; a name that two plugins claim is refused.

    An implementation must not do work at import beyond defining its classes.

    Returns
    -------
    iterable of (str, type)
        Name that the user types, and the class. Empty where the plugin has none.

    See Also
    --------
    nextstat_core.models : the contract of a model.
    nextstat_core.testing.ModelContract : tests to run against the model.

    Examples
    --------
    ::

        from nextstat_core.hooks import hookimpl

        class Exponential:
            n_params = 1

        @hookimpl
        def nextstat_register_models():
            return [("acme_exponential", Exponential)]
    """
    raise NotImplementedError


@hookspec
def nextstat_register_commands() -> Iterable[object]:
    """Add commands to the command line ``nextstat``.

    Called once per process, when the command line starts. The answers of all plugins are combined;
    a name that two plugins claim is refused when it is typed.

    An implementation must not import the libraries that its commands need before one of them runs:
    ``nextstat --help`` waits for every plugin.

    Returns
    -------
    iterable of click.Command
        Commands or groups with a `name`. Empty where the plugin adds none.

    See Also
    --------
    nextstat_core.testing.PluginContract : tests to run against the plugin.

    Examples
    --------
    ::

        from nextstat_core.hooks import hookimpl

        @hookimpl
        def nextstat_register_commands():
            import click

            @click.command("acme")
            def acme():
                click.echo("acme")

            return [acme]
    """
    raise NotImplementedError


@hookspec
def nextstat_register_tools() -> Iterable[ToolSpec]:
    """Announce functions that agents may call.

    Called once per process, the first time that tools are listed. The answers of all plugins are
    combined; a name that two plugins claim is refused.

    An implementation must not return arrays or objects from `run`: only what JSON can hold.

    Returns
    -------
    iterable of ToolSpec
        Empty where the plugin has none.

    See Also
    --------
    nextstat_core.testing.PluginContract : tests to run against the plugin.

    Examples
    --------
    ::

        from nextstat_core.hooks import ToolSpec, hookimpl

        SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}

        def count(arguments):
            return {"characters": len(arguments["text"])}

        @hookimpl
        def nextstat_register_tools():
            return [ToolSpec("acme_count", "Counts characters.", SCHEMA, count)]
    """
    raise NotImplementedError


@hookspec
def nextstat_register_analyses() -> Iterable[AnalysisSpec]:
    """Announce analyses that others ask for by name, such as ``ranking``.

    Called once per process, the first time that an analysis is looked up. The answers of all
    plugins are combined; a name that two plugins claim is refused when it is asked for.

    An implementation must not import plotting or array libraries before `run` is called.

    Returns
    -------
    iterable of AnalysisSpec
        Empty where the plugin has none.

    See Also
    --------
    nextstat_core.testing.PluginContract : tests to run against the plugin.

    Examples
    --------
    ::

        from nextstat_core.hooks import AnalysisSpec, hookimpl

        def yields(model):
            return {channel.name: len(channel.samples) for channel in model.channels}

        @hookimpl
        def nextstat_register_analyses():
            return [AnalysisSpec("acme_yields", yields)]
    """
    raise NotImplementedError


@hookspec
def nextstat_observe_fit(event: FitEvent) -> None:
    """Watch fits: progress bars, experiment trackers, logs.

    Called twice per call of a function that fits (`fit`, `fit_minimum`, `fit_batch`, `fit_toys`),
    in the thread that runs it: with ``kind="start"`` before the first evaluation and with
    ``kind="end"`` after the last. One call may be many fits: `FitEvent.n_rows` counts them; further
    starts and second modes of one fit are not counted. All observers are called, in the order
    of registration; their answers are not combined but ignored. An exception becomes a warning
    that names the plugin, after all observers were called; the fit goes on.

    An implementation must not change `event` or its result, and must not start a fit.

    Parameters
    ----------
    event : FitEvent
        What happens. Its `result` is None, that is empty, at the start.

    See Also
    --------
    nextstat_core.hooks.FitEvent : the fields of the event.
    nextstat_core.testing.PluginContract : tests to run against the plugin.

    Examples
    --------
    ::

        import logging

        from nextstat_core.hooks import hookimpl

        @hookimpl
        def nextstat_observe_fit(event):
            logging.getLogger("acme").info("%s of %d fits", event.kind, event.n_rows)
    """
    raise NotImplementedError
