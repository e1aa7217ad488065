import gc

import pytest

from nextstat_core.errors import FormatError
from nextstat_core.io import read_pyhf, without_collector


def test_the_collector_rests_and_goes_on():
    assert gc.isenabled()
    with without_collector():
        assert not gc.isenabled()
        with without_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_did_not_run_stays_off():
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_goes_on_after_a_refusal():
    with pytest.raises(FormatError):
        read_pyhf("{")
    assert gc.isenabled()
