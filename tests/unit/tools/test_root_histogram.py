"""The tool that reads ROOT files, from a path and from bytes."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import nextstat
from nextstat_core.hooks import PluginManager, get_manager
from nextstat_tools import Toolbox, analyses

uproot = pytest.importorskip("uproot")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data.root"
    with uproot.recreate(path) as file:
        file["folder/h"] = (np.array([1.0, 2.5]), np.array([0.0, 1.0, 4.0]))
    return path


def ask(path, **arguments):
    box = Toolbox(allowed_dirs=[path.parent])
    return box.call("nextstat_read_root_histogram", {"hist_path": "folder/h", **arguments})


def test_histogram_is_that_of_the_facade(path):
    found = ask(path, root_path="data.root")["result"]
    assert found == nextstat.read_root_histogram(path, "folder/h")
    assert found["bin_edges"] == [0.0, 1.0, 4.0]
    assert found["bin_content"] == [1.0, 2.5]


def test_file_may_come_as_bytes(path):
    data = base64.b64encode(path.read_bytes()).decode()
    found = ask(path, root_bytes_base64=data, filename_hint="../../mine.root")
    assert found["result"] == nextstat.read_root_histogram(path, "folder/h")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of `root_path` and `root_bytes_base64`"),
        ({"root_path": "data.root", "root_bytes_base64": ""}, "exactly one of"),
        ({"root_bytes_base64": "***"}, "is no base64"),
        ({"root_bytes_base64": "é"}, "is no base64"),
        ({"root_path": "other.root"}, "there is no file 'other.root'"),
        ({"root_path": "data.root", "hist_path": "nope"}, "nope"),
    ],
)
def test_what_cannot_be_read_is_an_error(path, arguments, message):
    done = ask(path, **arguments)
    assert not done["ok"]
    assert message in done["error"]["message"]


def test_bytes_that_are_no_root_file_are_an_error(path):
    done = ask(path, root_bytes_base64=base64.b64encode(b"nothing").decode())
    assert done["error"]["type"] in {"InputError", "FormatError"}


def test_without_the_plugin_the_remedy_is_named(path, monkeypatch):
    assert get_manager().analyses["read_root_histogram"]
    monkeypatch.setattr(analyses, "get_manager", PluginManager)
    done = ask(path, root_path="data.root")
    assert "pip install nextstat-root" in done["error"]["message"]
