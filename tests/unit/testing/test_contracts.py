"""The contracts find what is wrong: each faulty thing below fails the test that it should."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FAULTY = Path(__file__).with_name("faulty_things.py")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Outcome of each test of the faulty things, by ``Class::test``."""
    folder: Path = tmp_path_factory.mktemp("faulty")
    (folder / "pytest.ini").write_text("[pytest]\npython_files = faulty_things.py\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-rA", "-q", "--tb=no", "-p", "no:cacheprovider"),
            *(
                "-c",
                str(folder / "pytest.ini"),
                "--import-mode=importlib",
                "--rootdir",
                str(folder),
                str(FAULTY),
            ),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    lines = re.findall(r"^(PASSED|FAILED|ERROR|XFAIL) \S*?::(.+?)(?: - .*)?$", done.stdout, re.M)
    assert lines, done.stdout + done.stderr
    return {test: outcome for outcome, test in lines}


@pytest.mark.parametrize(
    ("contract", "test"),
    [
        ("TestOverwrites", "test_functions_do_not_write_into_their_arguments"),
        ("TestSingle", "test_gradient_is_that_of_numpy[bin-wise]"),
        ("TestOff", "test_likelihood_is_that_of_numpy[shapes]"),
        ("TestKeeps", "test_asarray_protects_awkward_memory[readonly]"),
        ("TestOddLanes", "test_lanes_are_rows_in_eights"),
        ("TestNoHost", "test_host_has_float64_in_host_memory"),
        ("TestWrongGradient", "test_gradient_matches_differences"),
        ("TestWrongHessian", "test_hessian_matches_differences_of_the_gradient"),
        ("TestRandom", "test_same_parameters_give_the_same_bits"),
        ("TestThreeNames", "test_names_starts_and_bounds_agree"),
        ("TestOutside", "test_start_lies_inside_the_bounds"),
        ("TestClamps", "test_nan_gives_nan"),
        ("TestWrongSlope", "test_curves_have_exact_derivatives"),
        ("TestWrongSlope", "test_gradient_and_hessian_match_differences"),
        ("TestFirstMember", "test_members_of_a_family_keep_their_own_coefficients"),
        ("TestNoValue", "test_families_are_values"),
        ("TestEqualBins", "test_example_tells_bins_apart"),
        ("TestNotNeutral", "test_start_values_give_the_nominal_yields"),
        ("TestCareless", "test_wrong_data_are_refused_with_their_place"),
        ("TestKnown", "test_nan_gives_nan"),
    ],
)
def test_faults_are_found(outcomes: dict[str, str], contract: str, test: str) -> None:
    assert outcomes[f"{contract}::{test}"] == "FAILED"


@pytest.mark.parametrize("contract", ["TestBuiltIn", "TestWithoutExample", "TestUnknown"])
def test_hopeless_cases_fail_at_once(outcomes: dict[str, str], contract: str) -> None:
    own = {test: outcome for test, outcome in outcomes.items() if test.startswith(contract)}
    assert set(own.values()) & {"ERROR", "FAILED"}
    assert "XFAIL" not in own.values()


def test_known_failures_must_fail(outcomes: dict[str, str]) -> None:
    assert outcomes["TestKnown::test_gradient_matches_differences"] == "XFAIL"


def test_sound_modifier_passes(outcomes: dict[str, str]) -> None:
    own = {out for test, out in outcomes.items() if test.startswith("TestSound::")}
    assert own == {"PASSED"}


def test_a_missing_shape_is_named_wherever_curves_are_evaluated() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "-c"),
            *("/dev/null", "--import-mode=importlib", f"{FAULTY}::TestConstant"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    shape = "Constant: the second derivative has shape (), expected (members, rows) = "
    count = int(re.findall(r"(\d+) (?:failed|error)", done.stdout)[0])
    assert count >= 2
    assert "IndexError" not in done.stdout
    complaints = re.findall(r"AssertionError: .*", done.stdout)
    assert complaints
    assert all(shape in each for each in complaints), complaints


def test_contracts_check_single_operations_first() -> None:
    names = [item for item in _collected("TestOff") if "[" not in item]
    order = [
        "test_namespace_follows_the_standard",
        "test_dtype_is_what_arrays_report",
        "test_device_is_what_arrays_report",
        "test_take_selects_along_either_axis",
        "test_add_diagonal_leaves_the_rest",
        "test_pickles_to_an_equal_backend",
        "test_evaluation_and_fits_leave_user_memory_alone",
    ]
    assert [name for name in names if name in order] == order
    assert names[:3] == order[:3]


def _collected(contract: str) -> list[str]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"),
            *("-c", "/dev/null", "--import-mode=importlib", f"{FAULTY}::{contract}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(r"::(test_\S+)$", done.stdout, re.MULTILINE)
