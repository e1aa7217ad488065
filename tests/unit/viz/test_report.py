"""The page of a report: complete, self-contained, and honest about what does not apply."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from nextstat_commands.main import cli
from nextstat_core import infer
from nextstat_core.errors import FitError, InputError
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import uncorrelated
from nextstat_viz import make_report
from nextstat_viz.report.page import report_on
from nextstat_viz.report.sections import SECTIONS
from nextstat_viz.report.study import Study

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Well-formed HTML: texts by section, figures, links, identifiers."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, str] = {}
        self.images: dict[str, list[str]] = {}
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.identifiers: list[str] = []
        self._open: list[str] = []
        self._section = ""
        self.feed(html)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.add(tag)
        self.addresses += [named[key] or "" for key in ("src", "href", "action") if key in named]
        if "id" in named:
            self.identifiers.append(named["id"] or "")
        if tag == "section":
            self._section = named["id"] or ""
        if tag == "img":
            assert named["alt"]
            self.images.setdefault(self._section, []).append(named["src"] or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts[self._section] = self.texts.get(self._section, "") + data


@pytest.fixture
def simple() -> dict[str, Any]:
    return uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])


def page_of(document: dict[str, Any], **options: Any) -> Page:
    model = HistFactoryModel.from_workspace(document)
    return Page(make_report(model, content=document, **options).html)


@pytest.fixture(scope="module")
def page(example: HistFactoryModel) -> Page:
    return Page(make_report(example, source="example.json").html)


def test_every_section_is_there_once(page: Page) -> None:
    assert page.identifiers == [*SECTIONS, "provenance"]
    assert {address for address in page.addresses if address.startswith("#")} == {
        f"#{name}" for name in page.identifiers
    }


def test_page_asks_for_nothing(page: Page) -> None:
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "embed", "form"})
    assert all(
        address.startswith(("#", "data:image/svg+xml;base64,")) for address in page.addresses
    )


def test_figures_are_drawings_that_ask_for_nothing(page: Page) -> None:
    assert set(page.images) == {
        *("pulls", "correlation", "distributions", "cls", "profile", "ranking"),
    }
    for address in (each for images in page.images.values() for each in images):
        drawing = base64.b64decode(address.removeprefix("data:image/svg+xml;base64,"))
        root = ET.fromstring(drawing)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        for element in root.iter():
            for name, value in element.attrib.items():
                if name.endswith("href"):
                    assert value.startswith(("#", "data:image/png")), value
            assert "@import" not in (element.text or "")


def test_sections_say_what_the_results_say(page: Page, example: HistFactoryModel) -> None:
    assert f"{infer.upper_limits(example).observed:.5g}" in page.texts["summary"]
    assert f"{infer.discovery(example).z0:.6g}" in page.texts["discovery"]
    assert f"{infer.goodness_of_fit(example).statistic:.6g}" in page.texts["goodness"]
    assert f"{infer.fit(example).nll:.9g}" in page.texts["fit"]
    assert "SR_boosted" in page.texts["yields"]
    assert "example.json" in page.texts["provenance"]


def test_same_study_gives_the_same_figures(simple: dict[str, Any]) -> None:
    first, second = (page_of(simple, sections=["distributions"]) for _ in range(2))
    assert first.images == second.images


def test_sections_are_chosen_by_name(simple: dict[str, Any]) -> None:
    assert page_of(simple, sections=["limits", "fit"]).identifiers == [
        "fit",
        "limits",
        "provenance",
    ]


def test_unknown_section_is_refused(example: HistFactoryModel) -> None:
    with pytest.raises(InputError, match=r"no section named 'limit'.*\n*.*did you mean 'limits'"):
        make_report(example, sections=["limit"])


def test_without_a_parameter_of_interest_sections_say_so(simple: dict[str, Any]) -> None:
    simple["measurements"][0]["config"]["poi"] = ""
    page = page_of(simple)
    for name in ("limits", "cls", "discovery", "profile", "ranking"):
        assert "the model has no parameter of interest" in page.texts[name]
    assert "Fit converged" in page.texts["fit"]
    assert page.images["distributions"]


def test_without_convergence_sections_say_so(simple: dict[str, Any]) -> None:
    study = Study(HistFactoryModel.from_workspace(simple))
    reason = "max_iterations"
    study.fit = replace(infer.fit(study.model), converged=False, termination_reason=reason)
    report = report_on(study)
    page = Page(report.html)
    assert report.complaints == ("the fit did not converge",)
    assert "NOT converged (max_iterations)" in page.texts["summary"]
    for name in ("pulls", "correlation", "yields", "distributions", "profile", "ranking"):
        assert "the fit did not converge (max_iterations)" in page.texts[name]


def test_section_that_fails_says_so_and_the_others_are_there(simple: dict[str, Any]) -> None:
    class Unlucky(Study):
        @property
        def limits(self) -> Any:
            raise FitError("no minimum here")

    report = report_on(Unlucky(HistFactoryModel.from_workspace(simple)), sections=["fit", "limits"])
    page = Page(report.html)
    assert "could not be made: no minimum here" in page.texts["limits"]
    assert "Fit converged" in page.texts["fit"]
    assert report.complaints == ("section 'limits': no minimum here",)


def test_signal_without_events_has_no_limit() -> None:
    document = uncorrelated([0.0, 0.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])
    page = page_of(document)
    assert "none" in page.texts["limits"]


def test_model_of_one_free_parameter_has_neither_pulls_nor_correlations_nor_ranking() -> None:
    modifier = {"name": "mu", "type": "normfactor", "data": None}
    document = {
        "channels": [
            {"name": "c", "samples": [{"name": "s", "data": [5.0], "modifiers": [modifier]}]}
        ],
        "observations": [{"name": "c", "data": [6.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
    page = page_of(document)
    assert "no free parameter has a constraint" in page.texts["pulls"]
    assert "fewer than two parameters" in page.texts["correlation"]
    assert "no nuisance parameters" in page.texts["ranking"]
    assert len(page.images["distributions"]) == 2


def test_names_of_a_workspace_are_text_not_tags(simple: dict[str, Any]) -> None:
    name = "<script>alert('x')</script>"
    simple["channels"][0]["name"] = simple["observations"][0]["name"] = name
    page = page_of(simple, title=name)
    assert "script" not in page.tags
    assert name in page.texts["yields"]


def test_problems_of_a_workspace_are_listed(simple: dict[str, Any]) -> None:
    simple["observations"].append({"name": "VR", "data": [1.0, 1.0]})
    assert "VR" in page_of(simple, sections=["audit"]).texts["audit"]


def test_page_of_the_documentation_names_every_option_and_section() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "plots-and-reports.md").read_text()
    command = cli.get_command(None, "report")  # type: ignore[arg-type]
    assert command is not None
    options = {max(each.opts, key=len) for each in command.params if each.opts[0].startswith("-")}
    rows = [line for line in page.splitlines() if line.startswith("| `--")]
    documented = {word.strip("`|, ") for row in rows for word in row.split() if "`--" in word}
    assert documented == options
    assert all(f"`{name}`" in page for name in SECTIONS)


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["report", *map(str, arguments)], prog_name="nextstat")


def test_command_writes_the_page(simple: dict[str, Any], tmp_path: Path) -> None:
    source, target = tmp_path / "w.json", tmp_path / "r.html"
    source.write_text(json.dumps(simple))
    options = ("--title", "My study", "--experiment", "ACME", "--style", "cms")
    done = _run(source, "-o", target, "--sections", "summary, distributions", *options)
    assert done.exit_code == 0, done.output
    page = Page(target.read_text(encoding="utf-8"))
    assert page.identifiers == ["summary", "distributions", "provenance"]
    assert "My study" in page.texts[""]
    assert "sha256" in page.texts["provenance"]


def test_command_refuses_what_it_cannot_use(simple: dict[str, Any], tmp_path: Path) -> None:
    source = tmp_path / "w.json"
    source.write_text(json.dumps(simple))
    for arguments in (
        (tmp_path / "absent.json",),
        (source, "--sections", "everything"),
        (source, "--style", "lhcb"),
        (source, "-o", tmp_path / "no" / "folder.html"),
    ):
        done = _run(*arguments)
        assert done.exit_code == 1, arguments
        assert "error: " in done.output
