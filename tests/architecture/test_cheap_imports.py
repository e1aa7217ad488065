"""What importing costs: a user pays for no library before using it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _loaded_by(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import nextstat_core.hooks",
        "import nextstat_core.backend",
        "from nextstat_core.backend import available_backends; available_backends()",
        "from nextstat_core.hooks import get_manager; get_manager().plugins",
    ],
)
def test_finding_plugins_and_backends_imports_no_array_library(statement: str) -> None:
    heavy = {"numpy", "scipy", "torch", "cupy", "jax", "pandas", "array_api_compat"}
    assert _loaded_by(statement) & heavy == set()


#: What a user may have installed and never asked for.
OPTIONAL = {"torch", "cupy", "jax", "scipy", "matplotlib", "pandas", "rich", "click", "pyhf"}
OPTIONAL |= {"boost_histogram", "numexpr", "pyarrow", "yaml"}


@pytest.mark.parametrize(
    "statement",
    [
        "import nextstat",
        "import nextstat; [getattr(nextstat, name) for name in nextstat.__all__]",
        "import nextstat; nextstat.get_backend()",
        "import nextstat; nextstat.from_pyhf('docs/examples/example_workspace.json')",
    ],
    ids=["the facade", "all its names", "the default backend", "a model"],
)
def test_facade_imports_no_optional_library(statement: str) -> None:
    assert _loaded_by(statement) & OPTIONAL == set()


def test_facade_alone_imports_no_array_library_and_reads_no_entry_points() -> None:
    found = _loaded_by("import nextstat")
    assert found & {"numpy", "pluggy", "msgspec", "array_api_compat", "nextstat_core"} == set()


def test_command_line_starts_without_libraries() -> None:
    loaded = _loaded_by("from nextstat_commands.main import cli; cli.list_commands(None)")
    assert loaded & (OPTIONAL - {"click"} | {"numpy"}) == set()
