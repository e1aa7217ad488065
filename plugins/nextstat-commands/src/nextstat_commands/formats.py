"""``nextstat import`` and ``nextstat export``: one command for each format that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.documents import output_option, write_document, write_text
from nextstat_commands.loading import source_options
from nextstat_commands.patchset import apply_and_write
from nextstat_core.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nextstat_commands.loading import Source
    from nextstat_core.hooks import ReaderSpec, WriterSpec

__all__ = ["export_command", "import_command"]

#: More names of the argument, as the reference has them.
_INPUTS = {"histfactory": ("--xml", "--dir")}


class _Formats(click.Group):
    """A group whose commands are the formats that plugins and the core bring."""

    def __init__(self, *, of: Callable[[], Mapping[str, click.Command]], **options: Any) -> None:
        super().__init__(**options)
        self._of = of

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._of()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._of().get(cmd_name)


def _importers() -> dict[str, click.Command]:
    from nextstat_core.hooks import get_manager
    from nextstat_core.io import own_readers

    readers = get_manager().readers
    specs = {name: readers[name] for name in readers if name not in readers.clashes}
    specs |= {spec.name: spec for spec in own_readers()}
    return {name: _importer(spec) for name, spec in specs.items()}


def _exporters() -> dict[str, click.Command]:
    from nextstat_core.hooks import get_manager
    from nextstat_core.io import own_writers

    writers = get_manager().writers
    specs = {name: writers[name] for name in writers if name not in writers.clashes}
    specs |= {spec.name: spec for spec in own_writers()}
    return {name: _exporter(spec) for name, spec in specs.items()}


@click.group("import", cls=_Formats, of=_importers)
def import_command() -> None:
    """Read other formats, and write workspaces in pyhf's JSON format."""


@click.group("export", cls=_Formats, of=_exporters)
def export_command() -> None:
    """Write workspaces in other formats."""


@import_command.command("patchset")
@click.option("--workspace", metavar="FILE", required=True, help="The background.")
@click.option("--patchset", metavar="FILE", required=True, help="The patchset.")
@click.option("--patch-name", metavar="NAME", help="Patch to apply; default: the first.")
@output_option
def _patchset(*, workspace: str, patchset: str, patch_name: str | None, output: str) -> None:
    """Apply a patch of a patchset, whose digests are verified; see `nextstat patchset`."""
    apply_and_write(workspace, patchset, name=patch_name, output=output)


def _importer(spec: ReaderSpec) -> click.Command:
    @click.pass_context
    def run(
        ctx: click.Context,
        /,
        *,
        path: str | None,
        given: str | None,
        output: str,
        strict: bool,
        **options: Any,
    ) -> None:
        del ctx
        if (path is None) == (given is None):
            raise click.UsageError("name one PATH, as the argument or with --input")
        chosen = {name: value for name, value in options.items() if value is not None}
        _import(spec, path or given or "", chosen, output, strict=strict)

    command: Any = run
    for option in reversed(_flags(spec.options)):
        command = option(command)
    command = output_option(command)
    command = click.option(
        "--strict", is_flag=True, help="Refuse what pyhf itself could not read."
    )(command)
    named = ("-i", "--input", *_INPUTS.get(spec.name, ()), "given")
    command = click.option(*named, metavar="PATH", help="The input, instead of the argument.")(
        command
    )
    command = click.argument("path", required=False)(command)
    help_ = f"Read {spec.description or spec.name}, and write a workspace."
    return click.command(spec.name, help=help_)(command)


def _import(
    spec: ReaderSpec, path: str, options: Mapping[str, Any], output: str, *, strict: bool
) -> None:
    from nextstat_core.io import pyhf_document

    if spec.read_file is not None:
        if path != "-" and not Path(path).exists():
            raise InputError(f"no file {path!r}")
        model = spec.read_file(Path(path), **options)
    else:
        model = spec.read(_text(path), **options)
    for warning in model.warnings:
        click.echo(f"warning: {warning}", err=True)
    document = pyhf_document(model, extensions=not strict)
    extended = [
        entry["name"]
        for measurement in document["measurements"]
        for entry in measurement["config"]["parameters"]
        if "constraint" in entry
    ]
    if extended:
        some = ", ".join(extended[:6]) + (", ..." if len(extended) > 6 else "")
        message = f"pyhf does not read the constraints of {len(extended)} parameters: {some}"
        click.echo(f"warning: {message}", err=True)
    write_document(document, output)


def _text(path: str) -> str:
    from nextstat_core.io import read_text

    try:
        return read_text(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path!r} is no text in UTF-8: {error}") from error


def _exporter(spec: WriterSpec) -> click.Command:
    @click.pass_context
    def run(ctx: click.Context, /, *, source: Source, output: str | None, **options: Any) -> None:
        del ctx
        chosen = {name: value for name, value in options.items() if value is not None}
        _export(spec, source, chosen, output)

    command: Any = run
    for option in reversed(_flags(spec.options)):
        command = option(command)
    where = "FOLDER" if spec.write_files else "FILE"
    default = "required" if spec.write_files else "default: standard output"
    command = click.option(
        *("-o", "--output", "--out-dir", "output"),
        metavar=where,
        required=spec.write_files is not None,
        help=f"Where to write it; {default}.",
    )(command)
    command = source_options("measurement", "poi", "interpolation")(command)
    help_ = f"Write WORKSPACE as {spec.description or spec.name}."
    return click.command(spec.name, help=help_)(command)


def _export(
    spec: WriterSpec, source: Source, options: Mapping[str, Any], output: str | None
) -> None:
    model = source.model().ir
    if spec.write_files is None:
        write_text(spec.write(model, **options), output or "-")
        return
    for path in spec.write_files(model, Path(output or ""), **options):
        click.echo(str(path))


def _flags(options: Mapping[str, str]) -> list[Any]:
    """Options of a format as flags: ``base_dir`` as ``--base-dir``, and as ``--basedir``."""
    flags = []
    for name, help_ in options.items():
        spellings = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name.replace('_', '')}"))
        flags.append(click.option(*spellings, name, metavar="TEXT", help=help_))
    return flags
