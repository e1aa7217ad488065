"""Tests with toys in the forms of the reference."""

from __future__ import annotations

import inspect

import pytest

import nextstat
from nextstat_core import infer
from nextstat_core.testing import uncorrelated

KEYS = {
    "mu_test", "cls", "clsb", "clb", "q_obs", "mu_hat", "n_toys_b", "n_toys_sb", "n_error_b",
    "n_error_sb", "n_nonconverged_b", "n_nonconverged_sb",
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return nextstat.from_pyhf(uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0]))


@pytest.fixture(scope="module")
def known(model):
    return infer.hypotest_toys(model, 1.0, n_toys=60, seed=3)


def run(model, **forms):
    return nextstat.hypotest_toys(1.0, model, n_toys=60, seed=3, **forms)


def test_forms_are_those_of_the_reference(model, known):
    expected, tails = known.expected_cls.tolist(), [known.clsb, known.clb]
    assert run(model) == known.cls
    assert type(run(model)) is float
    assert run(model, return_tail_probs=True) == (known.cls, tails)
    assert run(model, expected_set=True) == (known.cls, expected)
    both = run(model, expected_set=True, return_tail_probs=True)
    assert both == (known.cls, expected, tails)


def test_meta_has_the_keys_of_the_reference(model, known):
    meta = run(model, return_meta=True)
    assert meta.keys() >= KEYS
    assert "expected" not in meta
    assert meta["cls"] == known.cls
    assert (meta["n_toys_b"], meta["n_toys_sb"]) == (60, 60)
    assert (
        run(model, return_meta=True, expected_set=True)["expected"] == known.expected_cls.tolist()
    )


def test_whole_result_can_be_had(model, known):
    result = run(model, return_result=True)
    assert isinstance(result, nextstat.ToyHypotestResult)
    assert result.sb.q.tolist() == known.sb.q.tolist()


def test_data_replace_the_observed_ones(model):
    found = nextstat.hypotest_toys(1.0, model, n_toys=60, data=[62.0, 63.0], return_meta=True)
    replaced = model.with_observed_main([62.0, 63.0])
    other = nextstat.hypotest_toys(1.0, replaced, n_toys=60, return_meta=True)
    assert found["cls"] == other["cls"] > run(model)


def test_statistics_without_cls_give_the_p_value(model):
    p = nextstat.hypotest_toys(0.0, model, n_toys=60, test_stat="q0", return_tail_probs=True)
    assert p == (p[0], [p[0], None])
    with pytest.raises(
        nextstat.InputError, match=r"needs toys of the alternative.*\n\nHint: n_toys_b"
    ):
        nextstat.hypotest_toys(1.0, model, n_toys=60, test_stat="t", expected_set=True)
    answer = nextstat.hypotest_toys(0.0, model, n_toys=60, test_stat="q0", expected_set=True)
    assert len(answer[1]) == 5


def test_no_toys_are_refused_as_in_the_reference(model):
    with pytest.raises(ValueError, match="n_toys must be > 0"):
        nextstat.hypotest_toys(1.0, model, n_toys=0)


def test_devices_are_understood(model, known):
    assert run(model, device="cpu") == known.cls
    with pytest.raises(nextstat.InputError, match="no device named 'cudo'"):
        run(model, device="cudo")


def test_limits_and_sets_are_those_of_the_core(model):
    limit = nextstat.toy_upper_limit(model, mu_values=[0.5, 1.5], n_toys=60, device="cpu")
    assert (
        limit.to_dict() == infer.toy_upper_limit(model, mu_values=[0.5, 1.5], n_toys=60).to_dict()
    )
    found = nextstat.feldman_cousins(model, [0.0, 1.0, 2.0], n_toys=60, device="cpu")
    assert found.to_dict() == infer.feldman_cousins(model, [0.0, 1.0, 2.0], n_toys=60).to_dict()


def test_signature_is_that_of_the_reference():
    parameters = inspect.signature(nextstat.hypotest_toys).parameters
    assert list(parameters)[:8] == [
        "poi_test", "model", "n_toys", "seed", "expected_set", "data", "return_tail_probs",
        "return_meta",
    ]  # fmt: skip
    assert parameters["n_toys"].default == 1000
    assert parameters["seed"].default == 42


def test_toys_of_the_facade_take_an_executor(model):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as executor:
        assert run(model, executor=executor) == run(model)
        (fit,) = nextstat.fit_batch([model], executor=executor)
    assert fit.nll == nextstat.fit(model).nll


def test_missing_plugin_comes_with_the_remedy(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "nextstat_dask", None)
    monkeypatch.delitem(sys.modules, "nextstat.dask", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"\n\nHint: python -m pip install nextstat-dask"):
        import nextstat.dask  # noqa: F401
