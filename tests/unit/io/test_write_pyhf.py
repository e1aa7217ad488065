"""Models back to pyhf's format: the same likelihood, in ours and in pyhf."""

import json

import numpy as np
import pyhf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstat_core.errors import InputError
from nextstat_core.io import pyhf_document, read_pyhf, write_pyhf
from nextstat_core.ir import with_auxiliary
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_core.testing.differences import inner_points

# pyhf validates with an interface that jsonschema deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

RECIPES = st.fixed_dictionaries(
    {
        "n_channels": st.integers(1, 3),
        "n_bins": st.integers(1, 3),
        "n_samples": st.integers(1, 3),
        "n_normfactors": st.integers(0, 1),
        "n_normsys": st.integers(0, 2),
        "n_histosys": st.integers(0, 2),
        "n_coupled": st.integers(0, 1),
        "correlated": st.booleans(),
        "lumi": st.booleans(),
        "staterror": st.booleans(),
        "shared_staterror": st.booleans(),
        "shapesys": st.booleans(),
        "shapefactor": st.booleans(),
        "n_zero_bins": st.integers(0, 1),
        "custom_settings": st.booleans(),
    }
)


def points(model, count=10):
    drawn, _ = inner_points(model.suggested_init(), model.suggested_bounds(), count)
    return drawn


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), RECIPES)
def test_what_is_written_has_the_same_likelihood(seed, recipe):
    model = HistFactoryModel(read_pyhf(generate_workspace(seed, **recipe)))
    again = HistFactoryModel(read_pyhf(write_pyhf(model.ir)))
    assert again.ir == model.ir
    for point in points(model):
        assert again.nll(point) == model.nll(point)


def test_pyhf_reads_what_is_written():
    workspace = generate_workspace(
        3, n_normsys=2, n_histosys=1, staterror=True, shapesys=True, lumi=True, custom_settings=True
    )
    model = HistFactoryModel(read_pyhf(workspace))
    written = pyhf.Workspace(json.loads(write_pyhf(model.ir)))
    theirs = written.model()
    data = written.data(theirs)
    order = model.pyhf_order()
    for point in points(model, 3):
        expected = -float(theirs.logpdf(np.asarray(point)[order], data)[0])
        assert model.nll(point) == pytest.approx(expected, rel=1e-12)


def test_auxiliary_data_are_written():
    model = read_pyhf(generate_workspace(3, n_normsys=1, staterror=True))
    moved = with_auxiliary(model, {"normsys_0": 0.3})
    assert read_pyhf(write_pyhf(moved)).parameters == moved.parameters


def test_codes_are_refused_by_place():
    codes = {"normsys": "code1"}
    model = read_pyhf(generate_workspace(3, n_normsys=1), interpolation=codes)
    with pytest.raises(InputError, match=r"'normsys_0' \(normsys\): has the interpolation 'code1'"):
        pyhf_document(model)


def test_constraints_are_an_extension():
    workspace = generate_workspace(3, n_normsys=1, staterror=True)
    told = workspace["measurements"][0]["config"]["parameters"]
    told.append({"name": "normsys_0", "constraint": {"type": "LogNormal", "rel_uncertainty": 0.2}})
    told.append({"name": "staterror_channel_0[0]", "fixed": True})
    model = read_pyhf(workspace)
    with pytest.raises(InputError) as caught:
        pyhf_document(model)
    for part in ("'normsys_0'", "LogNormal", "'staterror_channel_0[0]'", "extensions=True"):
        assert part in str(caught.value)
    assert read_pyhf(pyhf_document(model, extensions=True)) == model
