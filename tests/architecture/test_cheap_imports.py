"""What importing costs: a user pays for no library before using it."""

import subprocess
import sys

import pytest


def _loaded_by(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
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


def test_facade_imports_no_optional_library() -> None:
    assert _loaded_by("import nextstat") & {"torch", "cupy", "jax", "pandas", "matplotlib"} == set()
