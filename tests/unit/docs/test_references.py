"""The reference pages name everything that exists, and nothing else."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

import nextstat
from nextstat_commands.main import cli
from nextstat_core.hooks import specs

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "backends/*/*.md", "plugins/*/*.md", "tests/*/*.md")
    for page in ROOT.glob(pattern)
)
REFERENCE = ROOT / "docs" / "reference"
COMMANDS = (
    *("audit", "check-plugin", "combine", "compare-pyhf", "contour", "download", "export", "fit"),
    *("goodness-of-fit", "hypotest", "hypotest-toys", "import", "lint", "mass-scan", "patchset"),
    *("plugins", "ranking", "scan", "significance", "upper-limit", "version", "workspace"),
)
#: Groups, with commands of our own.
GROUPS = {
    "export": {"pyhf"},
    "import": {"patchset", "pyhf"},
    "patchset": {"apply", "extract", "inspect", "verify"},
    "workspace": {"combine", "digest", "inspect", "patch", "prune", "rename", "sort"},
}
CALLS = [
    *COMMANDS,
    *(f"{group} {name}" for group, names in GROUPS.items() for name in sorted(names)),
]


def _sections(page: str, level: int) -> dict[str, str]:
    """Text below each heading of a level whose title is code, by that code."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    heading = re.compile(rf"^#{{{level}}} `(?P<title>[^`]+)`.*$", re.MULTILINE)
    above = re.compile(rf"^#{{1,{level - 1}}} ", re.MULTILINE)
    matches = list(heading.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    return {
        match["title"]: above.split(text[match.end() : end])[0]
        for match, end in zip(matches, ends, strict=True)
    }


def _called(title: str) -> tuple[str, list[str]]:
    """Name and arguments of a title such as ``fit(model, *, data=None)``."""
    name, _, rest = title.partition("(")
    parts = [part.strip() for part in rest.rstrip(")").split(",")]
    names = [part.split("=")[0].strip() for part in parts if part and part not in {"*", "/"}]
    return name, names


def test_python_reference_has_one_section_for_each_public_name() -> None:
    described = [_called(title)[0] for title in _sections("python.md", 3)]
    assert sorted(described) == sorted(nextstat.__all__)


def _functions() -> dict[str, list[str]]:
    found = {}
    for title in _sections("python.md", 3):
        name, arguments = _called(title)
        if inspect.isfunction(getattr(nextstat, name)):
            found[name] = arguments
    return found


@pytest.mark.parametrize("name", _functions())
def test_python_reference_has_the_arguments_of_each_function(name: str) -> None:
    parameters = inspect.signature(getattr(nextstat, name)).parameters.values()
    expected = [("**" if each.kind is each.VAR_KEYWORD else "") + each.name for each in parameters]
    assert _functions()[name] == expected


@pytest.mark.parametrize("name", ["FitOptions", "ParameterEstimate"])
def test_python_reference_names_every_field_of_small_classes(name: str) -> None:
    text = _sections("python.md", 3)[name]
    absent = [each.name for each in fields(getattr(nextstat, name)) if f"`{each.name}`" not in text]
    assert absent == []


def test_hook_reference_has_one_section_for_each_hook() -> None:
    assert sorted(_called(title)[0] for title in _sections("hooks.md", 2)) == specs.__all__


def test_hook_reference_has_the_arguments_of_each_hook() -> None:
    for title in _sections("hooks.md", 2):
        name, arguments = _called(title)
        assert arguments == list(inspect.signature(getattr(specs, name)).parameters), name


def test_hook_reference_says_what_hooks_return() -> None:
    for title, text in _sections("hooks.md", 2).items():
        name, _ = _called(title)
        returned = inspect.signature(getattr(specs, name)).return_annotation
        found = re.search(r"^Returns: `([^`]+)`", text, re.MULTILINE)
        assert found is not None, name
        assert found[1] == returned, name


def _common_options() -> str:
    """The section that the sections of commands refer to."""
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    return page.partition("## Options of commands that fit\n")[2].partition("\n## ")[0]


def _command(name: str) -> click.Command:
    """A command, or the command of a group: ``workspace prune``."""
    command: click.Command = cli
    for part in name.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), part)
        assert found is not None, name
        command = found
    return command


@pytest.mark.parametrize("name", CALLS)
def test_command_reference_names_every_option(name: str) -> None:
    command = _command(name)
    text = _sections("cli.md", 2 + name.count(" "))[f"nextstat {name}"]
    if isinstance(command, click.Group):
        text = text.partition("\n### ")[0]
    if "(#options-of-commands-that-fit)" in text:
        text += _common_options()
    documented = set(re.findall(r"^\| `(--?[\w-]+)", text, re.MULTILINE))
    existing = [set(each.opts) for each in command.params if isinstance(each, click.Option)]
    assert [names for names in existing if not names & documented] == []
    assert documented <= set().union(*existing)


def test_command_reference_has_one_section_for_each_command() -> None:
    assert set(_sections("cli.md", 2)) == {f"nextstat {name}" for name in COMMANDS}
    assert set(_sections("cli.md", 3)) == {f"nextstat {name}" for name in CALLS if " " in name}
    assert cli.own_commands == set(COMMANDS)


@pytest.mark.parametrize("group", GROUPS)
def test_groups_have_the_commands_of_the_reference(group: str) -> None:
    # Plugins add formats to `import` and `export`; those are on the pages of the plugins.
    command = _command(group)
    assert isinstance(command, click.Group)
    found = set(command.list_commands(click.Context(command)))
    assert found >= GROUPS[group]
    assert found == GROUPS[group] or group in {"import", "export"}


def _code(page: Path) -> list[str]:
    """Lines of the shell blocks of a page, and what stands in its text as code."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", prose)


def _calls() -> list[tuple[str, str]]:
    """Calls of our command, as pages show them, without variables and pipes around them."""
    parts = [
        (str(page.relative_to(ROOT)), re.sub(r"^(\w+=\S+ )+", "", part.strip()))
        for page in PAGES
        for line in _code(page)
        for part in re.split(r"&&|\|", line)
    ]
    return [(page, part) for page, part in parts if re.match(r"nextstat [a-z]", part)]


@pytest.mark.parametrize(("page", "call"), _calls())
def test_commands_on_pages_have_these_options(page: str, call: str) -> None:
    _, name, *arguments = shlex.split(call, comments=True)
    if name in GROUPS and arguments and not arguments[0].startswith("-"):
        # Formats in capitals stand for any.
        if arguments[0].isupper():
            return
        name = f"{name} {arguments.pop(0)}"
    command = _command(name)
    # Parsing neither runs the command, nor wants files to exist.
    command.make_parser(click.Context(command)).parse_args(arguments)


def test_nox_sessions_on_pages_exist() -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    sessions = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("session" in ast.unparse(each) for each in node.decorator_list)
    }
    named = {
        (str(page.relative_to(ROOT)), name)
        for page in PAGES
        for line in _code(page)
        for name in re.findall(r"\bnox -s ([a-z]+)", line)
    }
    assert "docs" in {name for _, name in named}
    assert {(page, name) for page, name in named if name not in sessions} == set()


def test_the_checks_run_what_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    checks = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("python -m pip install -r requirements-dev.txt", "python -m pytest"):
        assert f"\n{command}\n" in readme
        assert f"\n{command}" in checks
