"""Distributions of this repository: names, requirements, files."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = sorted(
    [
        ROOT / "pyproject.toml",
        *ROOT.glob("backends/*/pyproject.toml"),
        *ROOT.glob("plugins/*/pyproject.toml"),
    ]
)
#: Shows authors what a plugin of theirs looks like; users do not install it.
EXAMPLE = ROOT / "plugins" / "nextstat-example"
#: Public modules of the facade that hand on parts of the core.
OF_THE_CORE = {"report"}
#: Modules of the facade that are not called like their plugin: `nextstat.ranking` is a function.
STUBS = {"nextstat_ranking": "interpret"}
#: Distributions of other authors on the public index.
FOREIGN = {"nextstat", "nextstat-cli"}


def _read(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0].lower()


@pytest.fixture(params=PROJECTS, ids=lambda path: path.parent.name)
def project(request: pytest.FixtureRequest) -> tuple[Path, dict]:
    return request.param, _read(request.param)


def test_folder_is_called_like_its_distribution(project) -> None:
    path, content = project
    if path.parent != ROOT:
        assert path.parent.name == content["name"]


def test_requirements_name_no_foreign_distribution(project) -> None:
    _, content = project
    extras = content.get("optional-dependencies", {}).values()
    required = {_name(each) for group in (content["dependencies"], *extras) for each in group}
    assert content["name"] not in FOREIGN
    assert required & FOREIGN == set()


def test_own_distributions_are_required_by_a_range(project) -> None:
    _, content = project
    own = {_read(path)["name"] for path in PROJECTS}
    for requirement in content["dependencies"]:
        if _name(requirement) in own:
            assert re.search(r">=0\.1,<0\.2$", requirement), requirement


def test_core_requires_five_distributions() -> None:
    required = {_name(each) for each in _read(ROOT / "pyproject.toml")["dependencies"]}
    assert required == {"numpy", "pluggy", "array-api-compat", "msgspec", "jsonpatch"}


def test_metadata_is_complete(project) -> None:
    path, content = project
    assert content["requires-python"] == ">=3.11"
    assert content["license"] == "BSD-3-Clause"
    assert (path.parent / content["readme"]).is_file()
    versions = {f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)}
    assert versions <= set(content["classifiers"])


def test_package_is_typed(project, plugins) -> None:
    path, _ = project
    folder = ROOT / "nextstat_core" if path.parent == ROOT else None
    packages = (
        [folder] if folder else [each for each in path.parent.glob("src/*") if each.name in plugins]
    )
    assert packages
    assert all((package / "py.typed").is_file() for package in packages)


def test_facade_has_one_public_module_for_each_plugin(plugins) -> None:
    facade, commands = plugins["nextstat"], "nextstat_commands"
    own = {module.name.removeprefix("nextstat.") for module in facade if "." in module.name}
    first_party = {name for name in plugins if (ROOT / "plugins" / name.replace("_", "-")).is_dir()}
    without = {commands, EXAMPLE.name.replace("-", "_")}
    expected = {STUBS.get(name, name.removeprefix("nextstat_")) for name in first_party - without}
    assert {name for name in own if not name.startswith("_")} == expected | OF_THE_CORE


def test_tests_and_docs_are_no_packages() -> None:
    found = [path for name in ("tests", "docs") for path in (ROOT / name).rglob("__init__.py")]
    projects = [path.parent / "src" for path in ROOT.glob("docs/examples/*/pyproject.toml")]
    stray = [path for path in found if not any(map(path.is_relative_to, projects))]
    assert stray == []


#: What `requirements.txt` leaves out: PyTorch alone takes gigabytes, dask wants a cluster, the
#: example is for authors.
OPTIONAL = {
    "./backends/nextstat-backend-torch",
    "./backends/nextstat-backend-cupy",
    "./plugins/nextstat-dask",
    "./plugins/nextstat-example",
}


@pytest.mark.parametrize(
    ("file", "left_out"), [("requirements.txt", OPTIONAL), ("requirements-dev.txt", set())]
)
def test_requirement_files_install_every_distribution(file: str, left_out: set[str]) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    editable = {_name(line.removeprefix("-e ").strip()) for line in lines if line.startswith("-e ")}
    expected = {"."} | {
        f"./{path.parent.relative_to(ROOT)}" for path in PROJECTS if path.parent != ROOT
    }
    assert editable == expected - left_out
    assert {_name(line) for line in lines if line[:1].isalpha()} & FOREIGN == set()
