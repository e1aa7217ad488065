"""Tables of modifiers: the same models as workspaces, and everything wrong by its place."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nextstat
from nextstat.arrow import read_arrow, validate_modifiers_table
from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.io import read_pyhf
from nextstat_core.testing import generate_workspace

NUMBERS = pa.list_(pa.float64())
TEXTS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("channel", pa.string()),
        ("sample", pa.string()),
        ("modifier_name", pa.string()),
        ("modifier_type", pa.string()),
        ("data_hi", NUMBERS),
        ("data_lo", NUMBERS),
        ("data", NUMBERS),
        ("interpolation", pa.string()),
        ("parameters", TEXTS),
    ]
)
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
        "custom_settings": st.booleans(),
    }
)


def columns_of(modifier):
    match modifier["type"], modifier["data"]:
        case "normsys", data:
            return {"data_hi": [data["hi"]], "data_lo": [data["lo"]]}
        case "histosys", data:
            return {"data_hi": data["hi_data"], "data_lo": data["lo_data"]}
        case _, data:
            return {} if data is None else {"data": data}


def tables_of(workspace):
    """Histograms and modifiers of a workspace, written by hand."""
    cells = [
        (channel["name"], sample)
        for channel in workspace["channels"]
        for sample in channel["samples"]
    ]
    histograms = pa.table(
        {
            "channel": [channel for channel, _ in cells],
            "sample": [sample["name"] for _, sample in cells],
            "yields": [sample["data"] for _, sample in cells],
        }
    )
    rows = [
        {
            "channel": channel,
            "sample": sample["name"],
            "modifier_name": modifier["name"],
            "modifier_type": modifier["type"],
            **columns_of(modifier),
        }
        for channel, sample in cells
        for modifier in sample["modifiers"]
    ]
    return histograms, pa.Table.from_pylist(rows, schema=SCHEMA)


def observations_of(workspace):
    return {each["name"]: each["data"] for each in workspace["observations"]}


def modifiers(*rows):
    """A table; rows are of channel, sample, name, type, and further columns."""
    names = ("channel", "sample", "modifier_name", "modifier_type")
    entries = [dict(zip(names, row[:4], strict=True)) | (row[4] if row[4:] else {}) for row in rows]
    return pa.Table.from_pylist(entries, schema=SCHEMA)


def problems(table, *rows):
    with pytest.raises(ModelError) as caught:
        read_arrow(table, modifiers=modifiers(*rows))
    return [str(problem) for problem in caught.value.problems]


@settings(max_examples=40)
@given(st.integers(0, 2**32), RECIPES)
def test_tables_are_the_workspace_that_says_the_same(seed, recipe):
    workspace = generate_workspace(seed, **recipe)
    histograms, listed = tables_of(workspace)
    model = read_arrow(
        histograms,
        modifiers=listed,
        observations=observations_of(workspace),
        parameters=workspace["measurements"][0]["config"]["parameters"],
    )
    expected = read_pyhf(workspace)
    assert model.channels == expected.channels
    assert model.parameters == expected.parameters
    assert model.poi == expected.poi


def test_the_order_of_the_rows_decides_nothing_but_the_order_of_parameters():
    workspace = generate_workspace(5, n_normsys=2, n_histosys=2, staterror=True, shapesys=True)
    histograms, listed = tables_of(workspace)
    backwards = listed.take(list(range(len(listed)))[::-1])
    data = observations_of(workspace)
    straight = read_arrow(histograms, modifiers=listed, observations=data)
    turned = read_arrow(histograms, modifiers=backwards, observations=data)
    by_name = {each.name: each for each in straight.parameters}
    assert {each.name: each for each in turned.parameters} == by_name


def test_the_signal_gets_the_parameter_of_interest_where_the_modifiers_have_none(
    table, observations
):
    listed = modifiers(("SR", "background", "jes", "normsys", {"data_hi": [1.1], "data_lo": [0.9]}))
    model = read_arrow(table, modifiers=listed, observations=observations)
    assert model.parameters[0].name == "mu"
    assert [each.kind for each in model.channels[0].samples[0].modifiers] == ["normfactor"]
    assert [each.name for each in model.channels[0].samples[1].modifiers] == ["staterror_SR", "jes"]


def test_a_modifier_may_be_the_parameter_of_interest(table, observations):
    listed = modifiers(("SR", "background", "k", "normfactor"))
    model = read_arrow(table, modifiers=listed, observations=observations, poi="k")
    assert model.poi == "k"
    assert model.channels[0].samples[0].modifiers == ()


def test_interpolation_codes_and_names_of_parameters_are_read(table, observations):
    listed = modifiers(
        (
            "SR",
            "background",
            "jes",
            "normsys",
            {"data_hi": [1.1], "data_lo": [0.9], "interpolation": "code1"},
        ),
        ("CR", "background", "gamma", "shapefactor", {"parameters": ["first", "second"]}),
    )
    model = read_arrow(table, modifiers=listed, observations=observations)
    _, jes = model.channels[0].samples[1].modifiers
    assert jes.interpolation == "code1"
    assert model.channels[1].samples[0].modifiers[1].parameters == ("first", "second")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("SRR", "background", "k", "normfactor"), "no such channel (did you mean 'SR'?)"),
        (("SR", "backgroud", "k", "normfactor"), "no such sample (did you mean 'background'?)"),
        (("SR", "background", "k", "normfac"), "unknown modifier type 'normfac'"),
        (
            ("SR", "background", "k", "normsys", {"data_lo": [0.9]}),
            "has no `data_hi`; a normsys needs data_hi and data_lo",
        ),
        (
            ("SR", "background", "k", "normsys", {"data_hi": [1.1, 1.2], "data_lo": [0.9]}),
            "`data_hi` has 2 entries; expected 1",
        ),
        (
            ("SR", "background", "k", "normsys", {"data_hi": [1.1], "data_lo": [0.0]}),
            "`lo` is 0; expected a finite factor above 0",
        ),
        (
            ("SR", "background", "k", "histosys", {"data_hi": [1.0] * 3, "data_lo": [1.0] * 2}),
            "`data_lo` has 2 entries; expected 3, one per bin",
        ),
        (("CR", "background", "k", "shapesys"), "has no `data`; a shapesys needs data"),
        (
            ("CR", "background", "k", "staterror", {"data": [1.0]}),
            "`data` has 1 entries; expected 2",
        ),
        (
            ("CR", "background", "k", "shapesys", {"data": [1.0, float("nan")]}),
            "entry 1: `data` is nan; expected a finite number",
        ),
        (
            ("SR", "background", "k", "normfactor", {"data": [1.0]}),
            "has `data`; a normfactor takes",
        ),
        (("SR", "background", "lumi", "lumi", {"data": [0.02]}), "settings of the parameter"),
        (
            ("SR", "background", "k", "normfactor", {"interpolation": "code1"}),
            "expected none: a normfactor has no code",
        ),
        (
            (
                "SR",
                "background",
                "k",
                "normsys",
                {"data_hi": [1.1], "data_lo": [0.9], "interpolation": "code4p"},
            ),
            "`interpolation` is 'code4p'; expected code4, code1",
        ),
        (
            ("CR", "background", "k", "shapefactor", {"parameters": ["a"]}),
            "`parameters` has 1 names; expected 2",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value[3],
)
def test_what_is_wrong_is_named_with_its_place(row, expected, table):
    (found,) = problems(table, row)
    assert expected in found
    assert repr(row[2]) in found


def test_a_modifier_occurs_once_per_sample(table):
    row = ("SR", "background", "k", "normfactor")
    (found,) = problems(table, row, row, row)
    assert "modifier 'k' (normfactor): occurs 3 times on this sample; expected once" in found


def test_a_modifier_that_the_columns_bring_already_is_refused(table):
    row = ("CR", "background", "staterror_CR", "staterror", {"data": [1.0, 1.0]})
    (found,) = problems(table, row)
    assert "occurs 2 times on this sample" in found


def test_several_problems_come_at_once(table):
    found = problems(
        table,
        ("SR", "background", "a", "shapesys"),
        ("SR", "background", "b", "normsys", {"data_hi": [1.0]}),
    )
    assert len(found) == 2


def test_a_luminosity_needs_its_settings(table, observations):
    listed = modifiers(("SR", "background", "lumi", "lumi"))
    with pytest.raises(ModelError, match="a lumi has no defaults"):
        read_arrow(table, modifiers=listed, observations=observations)
    settings_of_lumi = {"inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.02]}
    model = nextstat.from_arrow(
        table,
        modifiers=listed,
        observations=observations,
        parameters=[{"name": "lumi", **settings_of_lumi}],
    )
    assert "lumi" in model.parameter_names()


def test_a_table_of_modifiers_can_be_checked_alone():
    listed = modifiers(("SR", "background", "k", "normfactor"), ("SR", "s", "k", "normfactor"))
    assert validate_modifiers_table(listed).n_rows == 2
    assert validate_modifiers_table(listed.slice(0, 0)).n_rows == 0
    with pytest.raises(FormatError, match="missing required column: 'modifier_type'"):
        validate_modifiers_table(listed.drop_columns(["modifier_type"]))
    with pytest.raises(InputError, match="table of modifiers"):
        validate_modifiers_table(None)


def test_names_of_parameters_are_text(table):
    listed = modifiers(("CR", "background", "k", "shapefactor", {"parameters": ["a", None]}))
    with pytest.raises(FormatError, match="'parameters', row 0, entry 1 is null; expected text"):
        read_arrow(table, modifiers=listed)
