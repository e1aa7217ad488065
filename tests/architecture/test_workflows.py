"""Workflows and hooks: they do no work of their own, and what they call exists."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
#: Commands that are neither nox nor what installs it.
INSTALL = "python -m pip install nox"


def sessions() -> set[str]:
    """Names that ``nox -s`` understands."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = set()
    for name, node in functions.items():
        for decorator in map(ast.unparse, node.decorator_list):
            if decorator == "nox.session":
                names.add(name)
            if decorator == "nox.session(python=SUPPORTED)":
                names |= {name, *(f"{name}-3.{minor}" for minor in range(11, 15))}
    return names


def commands(path: Path) -> list[str]:
    """What the workflow runs, with the values of its matrix filled in."""
    found = []
    for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
        values = job.get("strategy", {}).get("matrix", {})
        lists = {key: each for key, each in values.items() if key != "include"}
        for line in (step["run"] for step in job["steps"] if "run" in step):
            (key,) = re.findall(r"\$\{\{ matrix\.(\w+) \}\}", line) or [None]
            text = r"\$\{\{ matrix\.\w+ \}\}"
            found += [re.sub(text, str(value), line) for value in lists[key]] if key else [line]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_runs_sessions_that_exist(path: Path) -> None:
    for command in commands(path):
        called = re.match(r"nox -s (\S+)", command)
        assert command == INSTALL or (called and called[1] in sessions()), command


def test_changes_are_tested_on_every_supported_python() -> None:
    called = " ".join(commands(ROOT / ".github" / "workflows" / "ci.yml"))
    for minor in range(11, 15):
        assert f"nox -s tests-3.{minor} " in called
    assert {"lint", "types", "wheels", "contract-3.13"} <= set(re.findall(r"-s (\S+)", called))


def test_hooks_run_tools_of_the_development_environment() -> None:
    written = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    required = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    for repository in yaml.safe_load(written)["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            tool = hook["entry"].split()[0]
            shipped = {
                "check-toml": "pre-commit-hooks",
                "check-yaml": "pre-commit-hooks",
                "end-of-file-fixer": "pre-commit-hooks",
                "trailing-whitespace-fixer": "pre-commit-hooks",
            }
            assert re.search(rf"^{shipped.get(tool, tool)}[>=]", required, re.MULTILINE), tool
