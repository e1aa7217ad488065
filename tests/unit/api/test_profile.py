"""Names of the facade for scans and intervals."""

import json

import pytest

import nextstat
from nextstat_core import infer
from nextstat_core.testing import uncorrelated

WORKSPACE = uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [61.0, 58.0])


def test_scan_is_a_dict_of_plain_values() -> None:
    model = nextstat.from_pyhf(WORKSPACE)
    found = nextstat.profile_scan(model, [0.0, 1.0, 2.0], device="cpu")
    assert json.loads(json.dumps(found)) == found
    assert set(found["points"][0]) == {"mu", "q_mu", "nll_mu", "converged", "n_iter"}
    assert "mu_values" not in found
    scan = infer.profile_scan(model, [0.0, 1.0, 2.0])
    assert [point["q_mu"] for point in found["points"]] == scan.q_mu.tolist()
    assert found["mu_hat"] == scan.mu_hat


def test_curve_has_columns() -> None:
    model = nextstat.from_pyhf(WORKSPACE)
    found = nextstat.profile_curve(model, [0.0, 1.0], data=[55.0, 60.0])
    rows = [point["q_mu"] for point in found["points"]]
    assert found["q_mu_values"] == rows
    assert found["mu_values"] == [0.0, 1.0]
    assert len(found["twice_delta_nll"]) == 2
    same = nextstat.profile_scan(model, [0.0, 1.0], data=[55.0, 60.0], return_curve=True)
    assert same == found


def test_parameters_of_each_point_and_of_another_scan() -> None:
    model = nextstat.from_pyhf(WORKSPACE)
    name = model.parameter_names()[1]
    found = nextstat.profile_scan(model, [0.9], parameter=name, return_params=True)
    assert found["poi_index"] == 1
    assert found["points"][0]["params"][1] == 0.9
    assert nextstat.profile_scan(model, []) | {"points": 0} == found | {
        "points": 0,
        "parameter": "mu",
        "poi_index": 0,
        "mu_hat": pytest.approx(nextstat.fit(model)["mu"].value, abs=1e-6),
    }


def test_functions_of_the_core_are_at_hand() -> None:
    for name in (
        "channel_compatibility", "contour", "inject_signal", "interval", "intervals",
        "profile_points", "profile_scan_2d", "signal_injection",
    ):  # fmt: skip
        assert getattr(nextstat, name) is getattr(infer, name)
