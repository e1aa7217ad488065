"""Arguments that cannot be used, and files that agents may and may not read."""

from __future__ import annotations

import gzip
import json
import math
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import InputError
from nextstat_tools import Toolbox, execute_tool, execute_tool_raw, get_tool_names
from nextstat_tools import paths as paths_module
from nextstat_tools.paths import allowed_path
from nextstat_tools.workspaces import WorkspaceStore

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    *("workspace_json", "workspace_path", "workspace_id", "mu", "n_toys", "seed", "execution"),
    *("alpha", "lo", "hi", "rtol", "points", "start", "stop", "top_n", "root_path", "hist_path"),
    *("root_bytes_base64", "filename_hint"),
]


def error_of(name, arguments, box=None):
    done = execute_tool(name, arguments, toolbox=box)
    assert not done["ok"]
    assert done["result"] is None
    return done["error"]


def message_of(name, arguments, box=None):
    error = error_of(name, arguments, box)
    assert error["type"] == "InputError", error
    return error["message"]


@given(
    name=st.sampled_from(get_tool_names()) | st.text(),
    arguments=JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5),
)
def test_no_json_makes_a_call_raise(name, arguments):
    done = execute_tool(name, arguments)
    assert done["schema_version"] == "nextstat.tool_result.v1"
    assert (done["error"] is None) == done["ok"]
    assert json.loads(json.dumps(done, allow_nan=False)) == done


SMALL_NUMBERS = st.floats() | st.integers(-3, 60) | st.sampled_from([10**400, -(10**400)])


@given(
    name=st.sampled_from(get_tool_names()[:8]),
    arguments=st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("mu", "alpha", "lo", "hi", "rtol", "start", "stop"), SMALL_NUMBERS),
            **dict.fromkeys(("n_toys", "seed", "points", "top_n", "max_iter"), SMALL_NUMBERS),
            "expected_set": st.booleans(),
        },
    ),
)
def test_no_number_makes_a_call_raise(name, arguments, workspace):
    done = execute_tool(name, {"workspace_json": workspace, **arguments})
    assert (done["error"] is None) == done["ok"]
    assert json.loads(json.dumps(done, allow_nan=False)) == done


@pytest.mark.parametrize("name", [None, 3, ["nextstat_fit"], {}])
def test_name_that_is_no_text_is_an_unknown_tool(name):
    error = error_of(name, {})
    assert error["type"] == "ValueError"
    assert error["message"].startswith("Unknown tool: ")


def test_unknown_tool_is_answered_with_those_that_exist():
    error = error_of("nope", {})
    assert error["type"] == "ValueError"
    assert error["message"] == f"Unknown tool: 'nope'. Available: {get_tool_names()}"
    with pytest.raises(ValueError, match="Unknown tool: 'nope'"):
        execute_tool_raw("nope", {})


def test_missing_and_unknown_arguments_are_all_named(workspace):
    asked = {"workspace_json": workspace, "muu": 1, "execution": {"thread": 1}, "zzz": 2}
    message = message_of("nextstat_hypotest", asked)
    assert "the argument 'mu' is missing" in message
    assert "there is no argument 'muu', did you mean 'mu'?" in message
    assert "there is no argument 'execution.thread', did you mean 'threads'?" in message
    assert "there is no argument 'zzz'" in message
    assert "it takes workspace_json, workspace_path, workspace_id, mu, execution" in message
    with pytest.raises(InputError, match="'mu' is missing"):
        execute_tool_raw("nextstat_hypotest", {"workspace_json": workspace})


@pytest.mark.parametrize(
    ("name", "extra", "what"),
    [
        ("nextstat_hypotest", {"mu": "1"}, "`mu` is '1'; expected number"),
        ("nextstat_hypotest", {"mu": None}, "`mu` is None; expected number"),
        ("nextstat_hypotest", {"mu": True}, "`mu` is True; expected number"),
        ("nextstat_hypotest", {"mu": math.nan}, "expected a finite number"),
        ("nextstat_scan", {"points": 0}, "`points` is 0; expected minimum 1"),
        ("nextstat_scan", {"points": 10**9}, "`points` is 1000000000; expected maximum 1001"),
        ("nextstat_upper_limit", {"alpha": 1}, "`alpha` is 1; expected exclusiveMaximum 1"),
        ("nextstat_hypotest_toys", {"mu": 1, "n_toys": 2.5}, "`n_toys` is 2.5; expected integer"),
        ("nextstat_fit", {"execution": {"eval_mode": "slow"}}, "`execution.eval_mode` is 'slow'"),
    ],
)
def test_arguments_of_the_wrong_kind_are_named(name, extra, what, workspace):
    assert what in message_of(name, {"workspace_json": workspace, **extra})


def test_arguments_as_text_come_with_the_remedy():
    assert "json.loads" in message_of("nextstat_fit", '{"workspace_json": "{}"}')


@pytest.mark.parametrize("given", [(), ("json", "path"), ("json", "id"), ("json", "path", "id")])
def test_a_workspace_is_named_in_one_way(given, workspace):
    asked = {f"workspace_{each}": workspace for each in given}
    assert "exactly one of 'workspace_json', 'workspace_path', 'workspace_id'" in message_of(
        "nextstat_fit", asked
    )


def test_text_that_is_no_json_is_not_taken_for_a_path(folder):
    error = error_of("nextstat_fit", {"workspace_json": str(folder / "small.json")})
    assert error["type"] == "FormatError"


def test_long_messages_are_cut():
    document = {"channels": [{"name": f"c{i}"} for i in range(2000)]}
    error = error_of("nextstat_fit", {"workspace_json": json.dumps(document)})
    assert error["type"] == "ModelError"
    assert len(error["message"]) < 4100


# Files


@pytest.fixture
def box(folder):
    return Toolbox(allowed_dirs=[folder])


def test_paths_are_absolute_or_relative_to_an_allowed_directory(box, folder, workspace):
    expected = box.call("nextstat_fit", {"workspace_json": workspace})
    for name in ("small.json", str(folder / "small.json"), "../allowed/small.json"):
        assert box.call("nextstat_fit", {"workspace_path": name}) == expected


def test_gzipped_files_and_byte_order_marks_are_read(box, folder, workspace):
    (folder / "small.json.gz").write_bytes(gzip.compress(workspace.encode()))
    (folder / "marked.json").write_bytes(b"\xef\xbb\xbf" + workspace.encode())
    expected = box.call("nextstat_fit", {"workspace_json": workspace})
    for name in ("small.json.gz", "marked.json"):
        assert box.call("nextstat_fit", {"workspace_path": name}) == expected


def test_without_allowed_directories_no_file_is_read(folder):
    closed = Toolbox(allowed_dirs=[])
    message = message_of("nextstat_fit", {"workspace_path": str(folder / "small.json")}, closed)
    assert "no directory is allowed" in message
    assert "--allow-dir" in message


def test_directories_are_those_of_the_time_when_they_were_allowed(folder, monkeypatch):
    monkeypatch.chdir(folder)
    box = Toolbox(allowed_dirs=["."])
    monkeypatch.chdir("/")
    assert box.call("nextstat_fit", {"workspace_path": "small.json"})["ok"]
    assert not box.call("nextstat_fit", {"workspace_path": "/etc/hosts"})["ok"]


def test_the_default_is_the_working_directory(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert execute_tool("nextstat_fit", {"workspace_path": "small.json"})["ok"]
    monkeypatch.chdir("/")
    assert not execute_tool("nextstat_fit", {"workspace_path": "small.json"})["ok"]


def escapes(folder):
    outside = folder.parent / "outside.json"
    return [
        str(outside),
        "../outside.json",
        "../../outside.json",
        "inner/../../outside.json",
        "/etc/passwd",
        "/proc/self/environ",
        "link.json",
        "linked/outside.json",
        str(folder) + "2/small.json",
        ".",
        "",
    ]


@pytest.mark.parametrize("which", range(11))
@pytest.mark.parametrize("tool", ["nextstat_fit", "nextstat_read_root_histogram"])
def test_paths_do_not_leave_the_allowed_directories(tool, which, box, folder, workspace):
    (folder.parent / "outside.json").write_text(workspace)
    (folder.parent / "allowed2").mkdir()
    (folder.parent / "allowed2" / "small.json").write_text(workspace)
    (folder / "link.json").symlink_to(folder.parent / "outside.json")
    (folder / "linked").symlink_to(folder.parent)
    name = escapes(folder)[which]
    key = {"workspace_path": name}
    if tool == "nextstat_read_root_histogram":
        key = {"root_path": name, "hist_path": "h"}
    message = message_of(tool, key, box)
    assert "outside of the allowed" in message or "there is no file" in message


def test_outside_nothing_is_said_about_what_exists(box, folder, workspace):
    (folder.parent / "outside.json").write_text(workspace)
    there, not_there = (
        message_of("nextstat_fit", {"workspace_path": f"../{name}"}, box)
        for name in ("outside.json", "nothing.json")
    )
    assert there.replace("outside.json", "nothing.json") == not_there


@pytest.mark.parametrize("name", ["nul\x00.json", "\ud800.json", "a" * 5000, "loop"])
def test_odd_paths_are_errors(name, box, folder):
    (folder / "loop").symlink_to(folder / "loop")
    assert not box.call("nextstat_fit", {"workspace_path": name})["ok"]


def test_misspelt_file_is_answered_with_a_similar_one(box):
    message = message_of("nextstat_fit", {"workspace_path": "smal.json"}, box)
    assert "did you mean 'small.json'?" in message


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_pipe_is_not_waited_for(box, folder):
    os.mkfifo(folder / "pipe.json")
    assert "there is no file" in message_of("nextstat_fit", {"workspace_path": "pipe.json"}, box)
    with pytest.raises(InputError, match="no regular file"):
        paths_module.read_file(folder / "pipe.json")


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"{}" * 999)[:-9], b"\x1f\x8b\x08\x00", b"\xff"],
    ids=["cut off", "a header", "no text"],
)
def test_damaged_files_are_errors(content, box, folder):
    (folder / "odd.json").write_bytes(content)
    assert error_of("nextstat_fit", {"workspace_path": "odd.json"}, box)["type"] == "FormatError"


def test_large_files_are_refused_before_they_are_read(box, folder, monkeypatch):
    monkeypatch.setattr(paths_module, "LARGEST_FILE", 2**20)
    with (folder / "large.json").open("wb") as file:
        file.truncate(2**20 + 1)
    (folder / "bomb.json.gz").write_bytes(gzip.compress(bytes(2**21)))
    for name in ("large.json", "bomb.json.gz"):
        message = message_of("nextstat_fit", {"workspace_path": name}, box)
        assert "is larger than 1 MiB" in message


@given(name=st.text() | st.lists(st.sampled_from(["..", ".", "a", "/", "~"])).map("/".join))
def test_no_path_resolves_to_somewhere_else(name, tmp_path_factory):
    root = tmp_path_factory.getbasetemp() / "root"
    root.mkdir(exist_ok=True)
    (root / "a").touch()
    try:
        found = allowed_path(name, [root])
    except InputError:
        return
    assert found == root.resolve() / "a"


# Workspaces of earlier calls


def test_later_calls_name_the_workspace_by_its_id(box, workspace):
    first = box.call("nextstat_fit", {"workspace_path": "small.json"})
    key = first["meta"]["workspace_id"]
    assert box.call("nextstat_fit", {"workspace_id": key}) == first
    assert box.call("nextstat_hypotest", {"workspace_id": key, "mu": 1})["ok"]


def test_unknown_id_comes_with_the_remedy(box):
    message = message_of("nextstat_fit", {"workspace_id": "ws-0"}, box)
    assert "no workspace with the id 'ws-0'" in message
    assert "give workspace_path or workspace_json again" in message


def test_ids_belong_to_their_toolbox(box, workspace):
    key = box.call("nextstat_fit", {"workspace_json": workspace})["meta"]["workspace_id"]
    assert not Toolbox().call("nextstat_fit", {"workspace_id": key})["ok"]


def test_store_forgets_the_oldest_when_it_is_full():
    store = WorkspaceStore(most=2, largest=100)

    def keep(text):
        return store.resolve({"workspace_json": text}, [])[1]

    def knows(key):
        try:
            store.resolve({"workspace_id": key}, [])
        except InputError:
            return False
        return True

    first, second = keep("a"), keep("b")
    assert knows(first)  # and makes it the youngest
    third = keep("c")
    assert [knows(key) for key in (first, second, third)] == [True, False, True]
    fourth = keep("d" * 99)
    assert [knows(key) for key in (first, third, fourth)] == [False, True, True]
    fifth = keep("e" * 1000)
    assert [knows(key) for key in (third, fourth, fifth)] == [False, False, True]
