"""Each element of the XML means what ROOT's documentation says, or is refused by name."""

from math import sqrt

import numpy as np
import pytest

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.ir import (
    AffineResponse,
    GaussianConstraint,
    LogNormalResponse,
    PoissonConstraint,
)

STAT = '<StatError Activate="True" />'
SHAPE = '<ShapeSys Name="shape" HistoName="relative" {} />'
ALPHA = '<OverallSys Name="syst" Low="0.8" High="1.3" />'


def parameters(model):
    return {entry.name: entry for entry in model.ir.parameters}


def expected(model, **values):
    start = dict(zip(model.parameter_names(), model.suggested_init(), strict=True))
    return model.expected_data([*(start | values).values()], include_auxdata=False)


# -- yields ---------------------------------------------------------------------------------------


def test_samples_add_up(load):
    model = load()
    assert expected(model) == [11.0, 24.0, 32.0]
    assert expected(model, mu=2.0) == [12.0, 28.0, 34.0]
    assert model.observed_main.tolist() == [11.0, 24.0, 32.0]
    assert model.measurement == "search"
    assert model.parameter_names() == ["mu", "lumi"]


def test_a_norm_factor_has_its_start_value_and_range(load):
    mu = parameters(load())["mu"]
    assert (mu.init, mu.lower, mu.upper, mu.constraint) == (1.0, 0.0, 5.0, None)


def test_an_overall_systematic_is_a_factor(load):
    model = load(systematics=ALPHA)
    assert expected(model, syst=1.0) == pytest.approx([14.0, 30.0, 41.0], rel=1e-14)
    assert expected(model, syst=-1.0) == pytest.approx([9.0, 20.0, 26.0], rel=1e-14)


def test_a_histogram_systematic_has_templates(load):
    model = load(
        systematics='<HistoSys Name="tilt" HistoNameLow="down" HistoNameHigh="up" />',
    )
    assert expected(model, tilt=1.0) == pytest.approx([12.0, 27.0, 35.0], rel=1e-14)
    assert expected(model, tilt=-1.0) == pytest.approx([10.0, 22.0, 30.0], rel=1e-14)


def test_a_shape_factor_scales_bins(load):
    model = load(systematics='<ShapeFactor Name="free" />')
    assert expected(model, **{"free[1]": 2.0}) == [11.0, 44.0, 32.0]
    assert parameters(model)["free[1]"].upper == 1000.0


def test_a_shape_factor_may_start_from_a_histogram_and_be_constant(load):
    model = load(systematics='<ShapeFactor Name="free" HistoName="signal" Const="True" />')
    assert [parameters(model)[f"free[{index}]"].init for index in range(3)] == [1.0, 4.0, 2.0]
    assert all(parameters(model)[f"free[{index}]"].fixed for index in range(3))


# -- luminosity -----------------------------------------------------------------------------------


def test_the_luminosity_scales_what_says_so(load):
    model = load(theory='NormalizeByTheory="False"')
    assert expected(model, lumi=2.0) == [12.0, 28.0, 34.0]
    lumi = parameters(model)["lumi"]
    assert (lumi.lower, lumi.upper) == (0.0, 10.0)
    assert lumi.constraint == GaussianConstraint(1.0, 0.1)


def test_its_uncertainty_is_relative(load):
    lumi = parameters(load(lumi=140.0, error=0.02))["lumi"]
    assert lumi.constraint == GaussianConstraint(140.0, 140.0 * 0.02)
    assert (lumi.init, lumi.upper) == (140.0, 1400.0)


@pytest.mark.parametrize(("conventions", "factor"), [("root", 2.0), ("pyhf", 1.0)])
def test_other_samples_have_its_nominal_value_in_root(load, conventions, factor):
    model = load(lumi=2.0, theory='NormalizeByTheory="False"', read={"conventions": conventions})
    signal = np.array([1.0, 4.0, 2.0]) * 2.0
    background = np.array([10.0, 20.0, 30.0]) * factor
    assert expected(model) == (signal + background).tolist()


@pytest.mark.parametrize(("conventions", "scales"), [("root", True), ("pyhf", False)])
def test_a_sample_that_says_nothing_scales_with_it_in_root(load, conventions, scales):
    model = load(theory="", read={"conventions": conventions})
    moved = expected(model, lumi=2.0)[0] - expected(model)[0]
    assert moved == (11.0 if scales else 1.0)


def test_a_luminosity_without_uncertainty_is_constant(load):
    lumi = parameters(load(error=0.0))["lumi"]
    assert lumi.fixed
    assert lumi.constraint is None


# -- statistical errors ---------------------------------------------------------------------------


def test_statistical_errors_are_those_of_the_histogram(load, th1):
    errors = np.array([2.0, 3.0, 4.5])
    background = th1([10.0, 20.0, 30.0], errors**2)
    model = load(systematics=STAT, histograms={"background": background})
    for index, relative in enumerate([0.2, 0.15, 0.15]):
        tau = 1.0 / relative**2
        constraint = parameters(model)[f"staterror_SR[{index}]"].constraint
        assert constraint.count == pytest.approx(tau, rel=1e-14)
        assert constraint.factor == constraint.count


def test_without_weights_they_are_those_of_counts(load):
    model = load(systematics=STAT)
    constraint = parameters(model)["staterror_SR[0]"].constraint
    assert constraint.count == pytest.approx(10.0, rel=1e-14)


def test_a_histogram_of_errors_is_relative(load):
    model = load(systematics='<StatError Activate="True" HistoName="relative" />')
    constraint = parameters(model)["staterror_SR[1]"].constraint
    assert constraint.count == pytest.approx(100.0, rel=1e-14)


def test_bins_below_the_threshold_stay_at_one(load):
    model = load(systematics='<StatError Activate="True" HistoName="relative" />')
    fixed = [parameters(model)[f"staterror_SR[{index}]"].fixed for index in range(3)]
    assert fixed == [True, False, False]  # 2 %, 10 % and 20 %, of which 5 % is the default


@pytest.mark.parametrize(("threshold", "count"), [("0.0", 0), ("0.15", 2), ("0.5", 3)])
def test_the_threshold_is_that_of_the_file(load, threshold, count):
    model = load(
        statistics=f'<StatErrorConfig RelErrorThreshold="{threshold}" />',
        systematics='<StatError Activate="True" HistoName="relative" />',
    )
    assert sum(parameters(model)[f"staterror_SR[{i}]"].fixed for i in range(3)) == count


def test_samples_with_statistical_errors_share_factors(make, load):
    model = load(
        statistics='<StatErrorConfig RelErrorThreshold="0" ConstraintType="Gaussian" />',
        systematics=f'{STAT}</Sample><Sample Name="other" HistoName="up">{STAT}',
    )
    constraint = parameters(model)["staterror_SR[0]"].constraint
    # Errors of counts in quadrature: sqrt(10 + 11) of 21 events.
    assert constraint == GaussianConstraint(1.0, pytest.approx(1.0 / sqrt(21.0), rel=1e-14))


def test_statistical_errors_may_be_gaussian(load):
    model = load(statistics='<StatErrorConfig ConstraintType="Gaussian" />', systematics=STAT)
    constraint = parameters(model)["staterror_SR[0]"].constraint
    assert constraint == GaussianConstraint(1.0, pytest.approx(sqrt(0.1), rel=1e-14))


def test_pyhf_knows_no_configuration_of_statistical_errors(load):
    model = load(
        statistics='<StatErrorConfig RelErrorThreshold="0.9" />',
        systematics=STAT,
        read={"conventions": "pyhf"},
    )
    stat = parameters(model)["staterror_SR[0]"]
    assert stat.constraint == GaussianConstraint(1.0, pytest.approx(sqrt(0.1), rel=1e-14))
    assert not stat.fixed


def test_statistical_errors_that_are_not_activated_are_none(load):
    assert load(systematics='<StatError Activate="False" />').parameter_names() == ["mu", "lumi"]


# -- shape systematics ----------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["", 'ConstraintType="Gaussian"'])
def test_a_shape_systematic_is_gaussian_by_default(load, written):
    model = load(systematics=SHAPE.format(written))
    found = parameters(model)["shape[2]"].constraint
    assert isinstance(found, GaussianConstraint)
    assert (found.center, found.width) == (1.0, pytest.approx(0.2, rel=1e-14))


def test_a_shape_systematic_may_be_poisson(load):
    model = load(systematics=SHAPE.format('ConstraintType="Poisson"'))
    found = parameters(model)["shape[2]"].constraint
    assert isinstance(found, PoissonConstraint)
    assert found.count == found.factor == pytest.approx(25.0, rel=1e-14)


def test_for_pyhf_it_is_always_poisson(load):
    model = load(
        systematics=SHAPE.format('ConstraintType="Gaussian"'), read={"conventions": "pyhf"}
    )
    assert isinstance(parameters(model)["shape[2]"].constraint, PoissonConstraint)
    assert "pyhf ignores ConstraintType" in model.warnings[0]


# -- settings of parameters -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("mu", "mu"),
        ("Lumi", "lumi"),
        ("alpha_syst", "syst"),
        ("syst", "syst"),
        ("gamma_stat_SR_bin_1", "staterror_SR[1]"),
        ("gamma_staterror_SR_1", "staterror_SR[1]"),
        ("gamma_shape_bin_2", "shape[2]"),
        ("gamma_free_bin_0", "free[0]"),
    ],
)
def test_parameters_are_constant_by_all_their_names(load, written, ours):
    model = load(
        settings=f'<ParamSetting Const="True"> {written} </ParamSetting>',
        systematics=f'{ALPHA}{STAT}{SHAPE.format("")}<ShapeFactor Name="free" />',
    )
    assert [name for name, entry in parameters(model).items() if entry.fixed] == [ours]


def test_a_setting_gives_values(load):
    model = load(settings='<ParamSetting Val="0.5">alpha_syst mu</ParamSetting>', systematics=ALPHA)
    assert parameters(model)["syst"].init == parameters(model)["mu"].init == 0.5


@pytest.mark.parametrize(
    "name", ["alpha_other", "gamma_stat_SR_bin_3", "gamma_x_bin_" + "9" * 5000]
)
def test_a_setting_of_an_absent_parameter_is_mentioned(load, name):
    model = load(settings=f'<ParamSetting Const="True">{name}</ParamSetting>', systematics=STAT)
    assert any(f"no {name!r}" in warning for warning in model.warnings)


@pytest.mark.parametrize(("conventions", "fixed"), [("root", False), ("pyhf", True)])
def test_root_ignores_a_constant_norm_factor(load, conventions, fixed):
    model = load(
        systematics='<NormFactor Name="k" Val="1" Low="0" High="3" Const="True" />',
        read={"conventions": conventions},
    )
    assert parameters(model)["k"].fixed is fixed
    assert ("ROOT ignores Const" in " ".join(model.warnings)) is not fixed


def test_a_gamma_term_constrains_beta(load):
    model = load(
        settings='<ConstraintTerm Type="Gamma" RelativeUncertainty=".3">syst</ConstraintTerm>',
        systematics=ALPHA,
    )
    beta = parameters(model)["syst"]
    assert beta.response == AffineResponse(1.0 / 0.3, -1.0 / 0.3)
    assert isinstance(beta.constraint, PoissonConstraint)
    assert beta.constraint.count == pytest.approx(1.0 / 0.09, rel=1e-14)
    # beta = 1.3 is alpha = 1, so the upper variation
    assert expected(model, syst=1.3) == pytest.approx([14.0, 30.0, 41.0], rel=1e-12)


def test_a_lognormal_term_changes_the_response(load):
    model = load(
        settings='<ConstraintTerm Type="LogNormal" RelativeUncertainty=".3">syst</ConstraintTerm>',
        systematics=ALPHA,
    )
    alpha = parameters(model)["syst"]
    assert alpha.response == LogNormalResponse(0.3)
    assert alpha.constraint == GaussianConstraint(0.0, 1.0)
    # (1.3^1 - 1) / 0.3 = 1
    assert expected(model, syst=1.0) == pytest.approx([14.0, 30.0, 41.0], rel=1e-12)


@pytest.mark.parametrize("kind", ["Uniform", "NoConstraint", "NoSyst"])
def test_other_terms_take_the_constraint_away(load, kind):
    model = load(settings=f'<ConstraintTerm Type="{kind}">syst</ConstraintTerm>', systematics=ALPHA)
    assert parameters(model)["syst"].constraint is None


def test_pyhf_ignores_constraint_terms(load):
    model = load(
        settings='<ConstraintTerm Type="Gamma" RelativeUncertainty=".3">syst</ConstraintTerm>',
        systematics=ALPHA,
        read={"conventions": "pyhf"},
    )
    assert parameters(model)["syst"].constraint == GaussianConstraint(0.0, 1.0)
    assert "pyhf ignores" in model.warnings[0]


# -- measurements and data ------------------------------------------------------------------------

TWO = (
    '<Measurement Name="b" Lumi="1" LumiRelErr="0.1"><POI>mu</POI></Measurement>'
    '<Measurement Name="a" Lumi="1" LumiRelErr="0.2"><POI>mu</POI></Measurement>'
)


def test_the_first_measurement_of_the_file_is_the_default(load):
    model = load(measurements=TWO)
    assert model.measurement == "b"
    assert "the first is used" in model.warnings[0]


def test_a_measurement_may_be_chosen(load):
    model = load(measurements=TWO, read={"measurement": "a"})
    assert parameters(model)["lumi"].constraint == GaussianConstraint(1.0, 0.2)


def test_without_a_parameter_of_interest_there_is_none(load):
    assert load(poi=None).poi_index() is None
    assert load(read={"poi": None}).poi_index() is None


def test_of_several_parameters_of_interest_the_first_is_taken(load):
    model = load(poi="mu k", systematics='<NormFactor Name="k" Val="1" Low="0" High="3" />')
    assert model.parameter_names()[model.poi_index()] == "mu"
    assert "2 parameters of interest" in model.warnings[0]


@pytest.mark.parametrize("data", ["", '<Data HistoName="" InputFile="" HistoPath="" />'])
def test_missing_data_are_an_error_or_the_expectation(load, data):
    with pytest.raises(ModelError, match=r"'SR': names no data histogram.*missing_data='asimov'"):
        load(data=data)
    model = load(
        data=data,
        settings='<ParamSetting Val="2">mu</ParamSetting>',
        read={"missing_data": "asimov"},
    )
    assert model.observed_main.tolist() == [12.0, 28.0, 34.0]


def test_data_may_be_a_further_set(load):
    model = load(data='<Data HistoName="data" /><Data Name="other" HistoName="up" />')
    assert model.observed_main.tolist() == [11.0, 24.0, 32.0]
    assert "further data sets" in model.warnings[0]


# -- histograms and files -------------------------------------------------------------------------


def test_systematics_look_into_the_directory_of_their_sample(load):
    inside = {f"dir/{name}": [1.0, 1.0, 1.0] for name in ("signal", "background", "data")}
    templates = {"dir/up": [2.0, 2.0, 2.0], "dir/down": [0.5, 0.5, 0.5]}
    model = load(
        channel='HistoPath="dir"',
        systematics='<HistoSys Name="tilt" HistoNameLow="down" HistoNameHigh="up" />',
        histograms=inside | templates,
    )
    assert expected(model, tilt=1.0) == [3.0, 3.0, 3.0]


def test_an_empty_directory_is_the_top_level(load):
    inside = {f"dir/{name}": [1.0, 1.0, 1.0] for name in ("signal", "background", "data")}
    paths = 'HistoNameLow="down" HistoPathLow="" HistoNameHigh="up" HistoPathHigh=""'
    model = load(
        channel='HistoPath="dir"',
        systematics=f'<HistoSys Name="tilt" {paths} /><StatError Activate="True" HistoPath="" '
        'HistoName="relative" />',
        histograms={**inside, "dir/relative": [0.1, 0.1, 0.1]},
    )
    assert expected(model, tilt=1.0) == [12.0, 24.0, 34.0]
    constraint = parameters(model)["staterror_SR[2]"].constraint
    assert constraint.count == pytest.approx(100.0, rel=1e-14)


def test_pyhf_looks_at_the_top_level_first(load):
    model = load(
        channel='HistoPath="dir"',
        histograms={"dir/background": [5.0, 5.0, 5.0]},
        read={"conventions": "pyhf"},
    )
    assert expected(model) == [11.0, 24.0, 32.0]


def test_histograms_with_two_axes_become_bins(load):
    plane = np.arange(1.0, 7.0).reshape(2, 3)
    both = (plane, np.arange(3.0), np.arange(4.0))
    names = ("data", "signal", "background", "relative")
    model = load(
        histograms=dict.fromkeys(names, both),
        systematics=SHAPE.format(""),
        settings='<ParamSetting Const="True">gamma_shape_bin_1_2</ParamSetting>',
    )
    # The first axis runs fastest, in bins and in names.
    assert model.observed_main.tolist() == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    assert [name for name, entry in parameters(model).items() if entry.fixed] == ["shape[5]"]


def test_files_are_found_above_the_xml(make, tmp_path):
    from nextstat_root import read_histfactory

    path = make()
    (tmp_path / "config" / "deep").mkdir(parents=True)
    moved = path.rename(tmp_path / "config" / "deep" / "combination.xml")
    assert read_histfactory(moved) == read_histfactory(moved, base_dir=tmp_path)
    with pytest.raises(ModelError, match=r"no file 'SR\.xml' in .*base_dir"):
        read_histfactory(moved, base_dir=moved.parent)


def test_interpolation_codes_are_the_readers_choice(load):
    model = load(systematics=ALPHA, read={"interpolation": {"normsys": "code1"}})
    (modifier,) = [
        each for each in model.ir.channels[0].samples[1].modifiers if each.name == "syst"
    ]
    assert modifier.interpolation == "code1"


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"poi": "muu"}, "parameter of interest 'muu'.*did you mean 'mu'"),
        ({"systematics": '<OveralSys Name="s" />'}, "<OveralSys>.*did you mean 'OverallSys'"),
        ({"systematics": '<OverallSys Name="s" Low="x" High="1"/>'}, "Low is 'x'.*number"),
        ({"systematics": '<OverallSys Name="s" High="1"/>'}, "Low is missing"),
        ({"systematics": '<OverallSys Name="s" Low="1_0" High="1"/>'}, "Low is '1_0'"),
        ({"theory": f'InputFile="{"a" * 5000}"'}, "no file 'aaa"),
        ({"systematics": '<OverallSys Name="s" Low="nan" High="1"/>'}, "Low is 'nan'"),
        ({"systematics": '<OverallSys Name="s" Low="-1" High="1"/>'}, "`lo` is -1"),
        ({"systematics": '<OverallSys Low="1" High="1"/>'}, "<OverallSys> has no Name"),
        ({"systematics": '<OverallSys Name="s" Low="1" Hihg="1"/>'}, "no attribute 'Hihg'"),
        (
            {"systematics": '<HistoSys Name="t" HistoNameLow="down" HistoNameHigh="upp" />'},
            "no histogram 'upp' in 'data.root'.*did you mean 'up'",
        ),
        ({"systematics": '<HistoSys Name="t" HistoNameLow="down" />'}, "no HistoNameHigh"),
        ({"systematics": '<StatError Activate="yes" />'}, "Activate is 'yes'"),
        ({"systematics": SHAPE.format('ConstraintType="x"')}, "ConstraintType is 'x'"),
        ({"statistics": '<StatErrorConfig ConstraintType="x" />'}, "ConstraintType is 'x'"),
        ({"statistics": "<StatErrorConfig /><StatErrorConfig />"}, "2 <StatErrorConfig>"),
        ({"theory": 'NormalizeByTheory="maybe"'}, "NormalizeByTheory is 'maybe'"),
        ({"theory": 'InputFile="other.root"'}, "no file 'other.root'"),
        (
            {"systematics": '<NormFactor Name="mu" Val="1" Low="0" High="9" />'},
            "1, 0, 9; elsewhere they are 1, 0, 5",
        ),
        ({"settings": '<ConstraintTerm Type="Gama">syst</ConstraintTerm>'}, "Type is 'Gama'"),
        (
            {"settings": '<ConstraintTerm Type="Gamma">syst</ConstraintTerm>'},
            "RelativeUncertainty is missing",
        ),
        (
            {
                "settings": '<ConstraintTerm Type="Gamma" RelativeUncertainty="-1">s'
                "</ConstraintTerm>"
            },
            "RelativeUncertainty is -1",
        ),
        ({"settings": "<ParamSeting />"}, "<ParamSeting>.*did you mean"),
        ({"lumi": -1.0}, "Lumi is -1"),
        ({"error": -1.0}, "LumiRelErr is -1"),
        ({"measurements": ""}, "no <Measurement>"),
        ({"measurements": TWO.replace('"a"', '"b"')}, "2 have this name"),
        ({"data": '<Data HistoName="data" /><Data HistoName="up" />'}, "2 <Data>"),
        ({"data": '<Data HistoName="dataa" />'}, "no histogram 'dataa'"),
        ({"histograms": {"data": [1.0, 2.0]}}, "3 expected, 2 found"),
        (
            {
                "systematics": f'{STAT}</Sample><Sample Name="b" HistoName="up">{STAT}',
                "histograms": {"up": [1.0, 2.0]},
            },
            "sample 'b': wrong number of bins: 3 expected, 2 found",
        ),
        ({"histograms": {"signal": [1.0, 2.0, np.nan]}}, "'signal', bin 2: yield is nan"),
        (
            {"histograms": {"relative": [1.0, 2.0]}, "systematics": SHAPE.format("")},
            "'relative' has 2 bins; expected 3 bins",
        ),
        (
            {
                "functions": '<Function Name="mu" Expression="sqrt(x)" Dependents="x[1,0,2]" />',
            },
            r"<Function> 'sqrt\(x\)'; functions of parameters cannot be read",
        ),
    ],
)
def test_what_cannot_be_read_is_named(load, parts, message):
    with pytest.raises(ModelError, match=message):
        load(**parts)


def test_all_problems_are_listed_at_once(load):
    with pytest.raises(ModelError) as caught:
        load(
            systematics='<OverallSys Name="s" Low="x" High="y"/><Oops />',
            settings="<Oops2 />",
            data='<Data HistoName="nothing" />',
        )
    assert len(caught.value.problems) == 5


def test_pyhf_takes_a_function_for_a_free_factor(load):
    model = load(
        functions='<Function Name="mu" Expression="sqrt(x)" Dependents="x[1,0,2]" />',
        read={"conventions": "pyhf"},
    )
    assert "is defined by the <Function> 'sqrt(x)'" in " ".join(model.warnings)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        ({"conventions": "rooot"}, "did you mean 'root'"),
        ({"missing_data": "maybe"}, "way to treat missing data"),
        ({"base_dir": "/nowhere"}, "expected a folder that exists"),
        ({"poi": 3}, "`poi` is 3"),
        ({"interpolation": "nothing"}, "no interpolation named"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(load, read, message):
    with pytest.raises(InputError, match=message):
        load(read=read)


def test_a_file_that_is_no_combination_is_refused(make, tmp_path):
    from nextstat_root import read_histfactory

    make()
    with pytest.raises(FormatError, match=r"holds <Channel>.*\n*.*the file of one channel"):
        read_histfactory(tmp_path / "SR.xml")
    with pytest.raises(FormatError, match="is no XML"):
        read_histfactory(tmp_path / "data.root")
    with pytest.raises(InputError, match=r"no file.*\n*.*did you mean 'combination\.xml'"):
        read_histfactory(tmp_path / "combinatoin.xml")


BOMB = """<!DOCTYPE Combination [
  <!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
]><Combination><Input>&b;</Input></Combination>"""
OUTSIDE = """<!DOCTYPE Combination [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<Combination><Input>&f;</Input></Combination>"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_entities_are_refused(tmp_path, text):
    from nextstat_root import read_histfactory

    path = tmp_path / "combination.xml"
    path.write_text(text)
    with pytest.raises(FormatError, match="declares an entity"):
        read_histfactory(path)
