"""Every rule of the linter by hand: what it sees, and that it is silent otherwise."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io import (
    Finding,
    LintThresholds,
    decode,
    lint_model,
    read_pyhf,
    workspace_audit,
    workspace_lint,
)
from nextstat_core.io.lint import RULES, at_least

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "prepare-workspaces.md"


def _clean() -> dict[str, Any]:
    """A workspace about which there is nothing to say."""
    return {
        "channels": [
            {
                "name": "SR",
                "samples": [
                    {
                        "name": "signal",
                        "data": [5.0, 10.0],
                        "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                    },
                    {
                        "name": "bkg",
                        "data": [50.0, 50.0],
                        "modifiers": [
                            {"name": "jes", "type": "normsys", "data": {"lo": 0.9, "hi": 1.1}},
                            {
                                "name": "shape",
                                "type": "histosys",
                                "data": {"lo_data": [45.0, 55.0], "hi_data": [55.0, 45.0]},
                            },
                            {"name": "mc", "type": "staterror", "data": [5.0, 4.0]},
                        ],
                    },
                ],
            }
        ],
        "observations": [{"name": "SR", "data": [52.0, 61.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }


@pytest.fixture
def clean() -> dict[str, Any]:
    return _clean()


def _sample(document: Any, index: int) -> Any:
    return document["channels"][0]["samples"][index]


def _modifiers(document: Any) -> Any:
    return _sample(document, 1)["modifiers"]


def _settings(document: Any) -> Any:
    return document["measurements"][0]["config"]["parameters"]


def _normsys(lo: float, hi: float, name: str = "jes") -> Callable[[Any], None]:
    def change(document: Any) -> None:
        modifiers = _modifiers(document)
        modifiers[0] = {"name": name, "type": "normsys", "data": {"lo": lo, "hi": hi}}

    return change


def _histosys(lo: list[float], hi: list[float], name: str = "shape") -> Callable[[Any], None]:
    def change(document: Any) -> None:
        data = {"lo_data": lo, "hi_data": hi}
        _modifiers(document)[1] = {"name": name, "type": "histosys", "data": data}

    return change


def _yields(signal: list[float], background: list[float], observed: list[float]) -> Any:
    """Other yields, without templates, so that there is nothing else to say about them."""

    def change(document: Any) -> None:
        _sample(document, 0)["data"] = signal
        _sample(document, 1)["data"] = background
        del _modifiers(document)[1:]
        document["observations"][0]["data"] = observed

    return change


def _uncertainties(kind: str, values: list[float], background: list[float] | None = None) -> Any:
    def change(document: Any) -> None:
        if background is not None:
            _sample(document, 1)["data"] = background
        modifier = {"name": "mc", "type": kind, "data": values}
        _sample(document, 1)["modifiers"] = [modifier]

    return change


def _config(**settings: Any) -> Callable[[Any], None]:
    return lambda document: _settings(document).append(settings)


def _more(modifier: dict[str, Any], sample: int = 1) -> Callable[[Any], None]:
    return lambda document: _sample(document, sample)["modifiers"].append(modifier)


def _twice(document: Any) -> None:
    _histosys([45.0, 60.0], [55.0, 40.0], "jes")(document)


def _elsewhere(document: Any) -> None:
    """`jes` acts in one sample, and in another one does not."""
    other = {"name": "other", "data": [1.0, 2.0], "modifiers": []}
    other["modifiers"] = [{"name": "jes", "type": "normsys", "data": {"lo": 1.0, "hi": 1.0}}]
    document["channels"][0]["samples"].append(other)


def _free_twice(document: Any) -> None:
    for name in ("k_1", "k_2"):
        _modifiers(document).append({"name": name, "type": "normfactor", "data": None})


def _poi(name: str) -> Callable[[Any], None]:
    return lambda document: document["measurements"][0]["config"].update(poi=name)


#: Rule, the change that it must notice, its place and words of its message.
CASES: list[tuple[str, Callable[[Any], None], str, str]] = [
    (
        "data-without-prediction",
        _yields([5.0, 3.0], [50.0, -4.0], [52.0, 1.0]),
        "channel 'SR', bin 1",
        "1 observed, -1 predicted",
    ),
    (
        "negative-prediction",
        _yields([5.0, 3.0], [50.0, -4.0], [52.0, 0.0]),
        "channel 'SR', bin 1",
        "the prediction of all samples is -1",
    ),
    (
        "negative-variation",
        _histosys([45.0, 55.0], [55.0, -11.0]),
        "channel 'SR', parameter 'shape', bin 1",
        "at +1 the prediction of all samples is -1",
    ),
    (
        "negative-template",
        _histosys([45.0, -2.0], [55.0, 45.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys), bin 1",
        "`lo_data` is -2 where the nominal yield is 50",
    ),
    (
        "negative-yield",
        _yields([5.0, -1.0], [50.0, 50.0], [52.0, 61.0]),
        "channel 'SR', sample 'signal', bin 1",
        "the nominal yield is -1",
    ),
    (
        "no-background",
        _yields([5.0, 10.0], [50.0, 0.0], [52.0, 9.0]),
        "channel 'SR', bin 1",
        "the signal yields 10, all other samples 0",
    ),
    (
        "empty-bin",
        _yields([5.0, 0.0], [50.0, 0.0], [52.0, 0.0]),
        "channel 'SR', bin 1",
        "nothing is predicted and nothing is observed",
    ),
    (
        "empty-sample",
        _yields([5.0, 10.0], [0.0, 0.0], [5.0, 9.0]),
        "channel 'SR', sample 'bkg'",
        "zero in all bins",
    ),
    (
        "parameter-without-effect",
        _normsys(1.0, 1.0),
        "channel 'SR', sample 'bkg', modifier 'jes' (normsys)",
        "the parameter changes no yield anywhere",
    ),
    (
        "parameter-without-effect",
        _histosys([50.0, 50.0], [50.0, 50.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys)",
        "changes no yield",
    ),
    (
        "identical-variations",
        _normsys(1.1, 1.1),
        "channel 'SR', sample 'bkg', modifier 'jes' (normsys)",
        "hi and lo are the same (+10 % of the total)",
    ),
    (
        "identical-variations",
        _histosys([55.0, 45.0], [55.0, 45.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys)",
        "hi and lo are the same",
    ),
    (
        "same-side",
        _normsys(1.02, 1.1),
        "channel 'SR', sample 'bkg', modifier 'jes' (normsys)",
        "to the same side: +2 % / +10 %",
    ),
    (
        "large-norm",
        _normsys(0.9, 1.6),
        "channel 'SR', sample 'bkg', modifier 'jes' (normsys)",
        "changes the total by -10 % / +60 %",
    ),
    (
        "large-bin",  # 33 of 55
        _histosys([17.0, 83.0], [55.0, 45.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys)",
        "changes bin 0 by 60 % of the prediction there",
    ),
    (
        "asymmetric",
        _normsys(0.99, 1.2),
        "channel 'SR', sample 'bkg', modifier 'jes' (normsys)",
        "very different sizes: -1 % / +20 %",
    ),
    (
        "same-side-bins",  # 4 of 60 in bin 1
        _histosys([46.0, 54.0], [43.0, 57.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys)",
        "in 2 of 2 bins, worst in bin 0: by at least 7.27 %",
    ),
    (
        "one-sided",
        _normsys(1.0, 1.1),
        "channel 'SR', sample 'bkg', modifier 'jes' (normsys)",
        "lo is the nominal yield; the total changes by +0 % / +10 %",
    ),
    (
        "one-sided",
        _histosys([45.0, 55.0], [50.0, 50.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys)",
        "hi is the nominal yield",
    ),
    (
        "no-effect",
        _elsewhere,
        "channel 'SR', sample 'other', modifier 'jes' (normsys)",
        "changes nothing here",
    ),
    (
        "negligible",
        _normsys(0.9999, 1.0001),
        "channel 'SR', sample 'bkg', modifier 'jes' (normsys)",
        "by more than 0.0091 %",
    ),
    (
        "norm-twice",
        _twice,
        "channel 'SR', sample 'bkg', modifier 'jes' (histosys)",
        "changes the total by +5 % / -5 %, and a normsys of this name changes it once more",
    ),
    (
        "norm-in-shape",
        _histosys([45.0, 52.0], [55.0, 48.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys)",
        "changes the total too, by -3 % / +3 %",
    ),
    (
        "norm-as-shape",
        _histosys([45.0, 45.0], [55.0, 55.0]),
        "channel 'SR', sample 'bkg', modifier 'shape' (histosys)",
        "changes the total by -10 % / +10 % and the shape not at all",
    ),
    (
        "large-statistical",
        _uncertainties("staterror", [5.0, 60.0]),
        "channel 'SR', modifier 'mc' (staterror), bin 1",
        "the uncertainty is 120 % of the yield 50",
    ),
    (
        "large-statistical",
        _uncertainties("shapesys", [75.0, 5.0]),
        "channel 'SR', sample 'bkg', modifier 'mc' (shapesys), bin 0",
        "the uncertainty is 150 % of the yield 50",
    ),
    (
        "lost-uncertainty",
        _uncertainties("shapesys", [5.0, 3.0], [50.0, 0.0]),
        "channel 'SR', sample 'bkg', modifier 'mc' (shapesys), bin 1",
        "the uncertainty 3 of the yield 0 has no effect",
    ),
    (
        "negative-uncertainty",
        _uncertainties("staterror", [5.0, -4.0]),
        "channel 'SR', sample 'bkg', modifier 'mc' (staterror), bin 1",
        "the uncertainty is -4",
    ),
    (
        "no-uncertainty",
        _uncertainties("staterror", [5.0, 0.0]),
        "channel 'SR', modifier 'mc' (staterror), bin 1",
        "the yield 50 has no uncertainty",
    ),
    (
        "poi-without-effect",
        _yields([0.0, 0.0], [50.0, 50.0], [52.0, 61.0]),
        "parameter 'mu'",
        "changes no yield; 1 samples have it",
    ),
    ("poi-fixed", _config(name="mu", fixed=True), "parameter 'mu'", "is fixed"),
    ("poi-constrained", _poi("jes"), "parameter 'jes'", "has a constraint"),
    ("no-poi", _poi(""), "measurement 'm'", "no parameter of interest"),
    ("poi-absent", _poi("mu_sig"), "parameter of interest 'mu_sig'", "no modifier has this name"),
    ("degenerate-factors", _free_twice, "parameter 'k_1'", "is known: 'k_1', 'k_2'"),
    (
        "narrow-bounds",
        _config(name="jes", bounds=[[-5.0, 1.5]]),
        "parameter 'jes'",
        "bounds (-5, 1.5) end 1.5 standard deviations from the centre 0",
    ),
    (
        "unused-settings",
        _config(name="alpha_jes", fixed=True),
        "parameter 'alpha_jes'",
        "no modifier has this name",
    ),
    (
        "similar-names",
        _more({"name": "JES", "type": "normfactor", "data": None}),
        "modifier 'jes'",
        "differ only in case or blanks: 'jes', 'JES'",
    ),
    (
        "reading",
        lambda document: document["observations"].append({"name": "VR", "data": [1.0]}),
        "channel 'VR'",
        "has observations, but the workspace has no such channel",
    ),
    (
        "unusable",
        lambda document: document["observations"].pop(),
        "observations",
        "found 0 entries; expected at least 1",
    ),
]


def _by_code(findings: list[Finding], code: str) -> Finding:
    found = [finding for finding in findings if finding.code == code]
    assert found, f"no {code} among {[finding.code for finding in findings]}"
    return found[0]


def test_there_is_nothing_to_say_about_a_clean_workspace(clean: dict[str, Any]) -> None:
    assert workspace_lint(clean) == []


@pytest.mark.parametrize(
    ("code", "change", "place", "message"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)]
)
def test_each_rule_sees_what_it_is_about(
    clean: dict[str, Any], code: str, change: Callable[[Any], None], place: str, message: str
) -> None:
    change(clean)
    finding = _by_code(workspace_lint(clean), code)
    assert finding.place == place
    assert message in finding.message


def test_every_rule_has_a_case() -> None:
    known = {rule.code for rule in RULES} | {"unusable", "poi-absent", "reading"}
    assert {case[0] for case in CASES} == known


def test_every_rule_is_described_in_the_documentation() -> None:
    text = PAGE.read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| `([\w-]+)` \| (\w+) \|", text, re.MULTILINE))
    expected = {rule.code: rule.severity for rule in RULES}
    assert described == expected | {
        "unusable": "error",
        "poi-absent": "warning",
        "reading": "warning",
    }


#: Each threshold, a change that it just catches and the rule that then speaks.
LIMITS: list[tuple[str, float, str, Callable[[Any], None]]] = [
    ("large_norm", 0.09, "large-norm", lambda document: None),
    ("large_bin", 0.09, "large-bin", lambda document: None),
    ("same_side", 0.0001, "same-side", _normsys(1.0005, 1.001)),
    ("same_side_bin", 0.0001, "same-side-bins", _histosys([50.1, 40.0], [50.2, 60.0])),
    ("asymmetry", 1.5, "asymmetric", _normsys(0.9, 1.2)),
    ("norm_in_shape", 0.005, "norm-in-shape", _histosys([45.0, 54.0], [55.0, 46.0])),
    ("negligible", 0.1, "negligible", lambda document: None),
    ("large_statistical", 0.09, "large-statistical", lambda document: None),
    ("narrow_bounds", 6.0, "narrow-bounds", lambda document: None),
]


@pytest.mark.parametrize(("name", "value", "code", "change"), LIMITS, ids=[e[0] for e in LIMITS])
def test_thresholds_decide_when_a_rule_speaks(
    clean: dict[str, Any], name: str, value: float, code: str, change: Callable[[Any], None]
) -> None:
    change(clean)
    assert code not in {finding.code for finding in workspace_lint(clean)}
    changed = LintThresholds(**{name: value})
    assert code in {finding.code for finding in workspace_lint(clean, thresholds=changed)}


def test_every_threshold_has_a_case() -> None:
    assert {entry[0] for entry in LIMITS} == set(LintThresholds.__dataclass_fields__)


def test_repeats_are_one_finding_with_the_worst_place_first(clean: dict[str, Any]) -> None:
    _normsys(1.0, 1.1)(clean)
    # 1.8 of 10 of 60 is more of the prediction than 1.1 of 50 of 55.
    modifier = {"name": "jes", "type": "normsys", "data": {"lo": 1.0, "hi": 1.8}}
    _more(modifier, sample=0)(clean)
    finding = _by_code(workspace_lint(clean), "one-sided")
    assert finding.count == 2
    assert finding.places[0] == finding.place
    assert "sample 'signal'" in finding.place
    assert str(finding).startswith("info: one-sided: channel 'SR', sample 'signal'")
    assert "(and 1 more)" in str(finding)
    assert json.loads(json.dumps(finding.to_dict()))["count"] == 2


def test_findings_are_ordered_by_severity(clean: dict[str, Any]) -> None:
    _normsys(1.0, 1.7)(clean)
    _sample(clean, 0)["data"] = [0.0, 0.0]
    severities = [finding.severity for finding in workspace_lint(clean)]
    assert severities == sorted(severities, key=("error", "warning", "info").index)
    assert {"error", "warning", "info"} <= set(severities)
    assert at_least("error", "warning")
    assert at_least("info", "info")
    assert not at_least("info", "warning")


def test_rules_can_be_left_out(clean: dict[str, Any]) -> None:
    _normsys(1.0, 1.7)(clean)
    codes = {finding.code for finding in workspace_lint(clean, ignore=["one-sided"])}
    assert codes == {"large-norm"}
    with pytest.raises(InputError, match=r"no rule named 'onesided'(?s:.*)'one-sided'"):
        workspace_lint(clean, ignore=["onesided"])
    with pytest.raises(InputError, match="expected a list of codes"):
        workspace_lint(clean, ignore="one-sided")


def test_an_absent_parameter_of_interest_is_said_once(clean: dict[str, Any]) -> None:
    _poi("mu_sig")(clean)
    _config(name="mu_sig", fixed=False)(clean)
    assert [finding.code for finding in workspace_lint(clean)] == ["poi-absent"]


def test_single_bins_have_no_shape(clean: dict[str, Any]) -> None:
    for sample in clean["channels"][0]["samples"]:
        sample["data"] = sample["data"][:1]
    _histosys([45.0], [55.0])(clean)
    _modifiers(clean)[2]["data"] = [5.0]
    clean["observations"][0]["data"] = [52.0]
    assert workspace_lint(clean) == []


def test_models_are_examined_whatever_they_come_from(clean: dict[str, Any]) -> None:
    _normsys(1.0, 1.1)(clean)
    assert lint_model(read_pyhf(clean)) == workspace_lint(clean)


def test_the_audit_holds_the_findings(clean: dict[str, Any]) -> None:
    _normsys(1.0, 1.1)(clean)
    audit = workspace_audit(clean)
    assert audit["lint"] == [finding.to_dict() for finding in workspace_lint(clean)]
    assert audit["problems"] == []
    assert json.loads(json.dumps(audit)) == audit


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(FormatError):
        workspace_lint("{")


def test_published_workspaces_give_findings_that_can_be_read(published: Path) -> None:
    counts: Counter[str] = Counter()
    examined = 0
    for path in sorted(published.rglob("*.json")):
        if path.stat().st_size > 2_500_000:
            continue
        try:
            found = workspace_lint(decode(path.read_bytes()).usable())
        except FormatError:  # not JSON, or with NaN: the reader's business
            continue
        if any("'channels' is missing" in finding.message for finding in found):
            continue
        for finding in found:
            assert finding.place
            assert finding.message
            assert finding.count == len(finding.places) > 0
        assert len(found) == len({(f.code, f.subject, f.message) for f in found})
        counts.update({finding.code for finding in found})
        examined += 1
    assert examined > 50
    assert len(counts) > 20
