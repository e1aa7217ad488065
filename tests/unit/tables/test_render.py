"""Text, Markdown, LaTeX and CSV of tables."""

import csv
import io

import pytest

from nextstat_core.errors import InputError
from nextstat_tables import Column, DataTable, Uncertainty, render


def one(value, minus=None, plus=None, **options):
    """A table with one cell."""
    sides = (minus,), (minus if plus is None else plus,)
    uncertainties = () if minus is None else (Uncertainty(*sides),)
    column = Column(name="x", values=(value,), uncertainties=uncertainties, **options)
    return DataTable(name="Table", description="", columns=(column,))


def cell(table, style):
    return render(table, style).splitlines()[-2 if style == "latex" else -1].strip(" |\\")


@pytest.mark.parametrize(
    ("value", "minus", "plus", "expected"),
    [
        (12.345, 0.678, None, "12.35 ± 0.68"),
        (1234.5, 123.0, None, "1230 ± 120"),
        (0.00123456, 0.0000456, None, "0.001235 ± 0.000046"),
        (5.0, 0.25, 1.5, "5.00 +1.50 -0.25"),
        (5.0, 0.0, None, "5 ± 0"),
        (5.0, float("inf"), None, "5 ± inf"),
        (2183.0, None, None, "2183"),
        (None, None, None, "-"),
        ("CR", None, None, "CR"),
        (-0.004, 0.1, None, "-0.00 ± 0.10"),
    ],
)
def test_numbers_are_rounded_to_two_digits_of_their_uncertainty(value, minus, plus, expected):
    assert cell(one(value, minus, plus), "text") == expected


def test_plain_numbers_may_have_fixed_decimals():
    assert cell(one(0.0092161, decimals=3), "text") == "0.009"


def test_latex_is_a_tabular_with_escaped_names():
    table = DataTable(
        name="Yields",
        description="",
        columns=(
            Column(name="sample_name", values=("50% W&Z",), independent=True),
            Column(
                name="SR_1",
                values=(5.0,),
                uncertainties=(Uncertainty((0.25,), (1.5,), "1 sigma"),),
                units="GeV",
            ),
        ),
    )
    text = render(table, "latex")
    assert text.startswith("% Yields\n\\begin{tabular}{lr}")
    assert r"sample\_name" in text
    assert r"SR\_1 [GeV]" in text
    assert r"50\% W\&Z" in text
    assert r"$5.00\,{}^{+1.50}_{-0.25}$ \\" in text
    assert text.endswith("\\end{tabular}\n")


def test_csv_has_every_digit_and_separate_uncertainties():
    column = Column(
        name="limit",
        values=(1.0 / 3.0,),
        units="pb",
        uncertainties=(Uncertainty((0.1,), (0.2,), "1 sigma"), Uncertainty((0.3,), (0.3,))),
    )
    table = DataTable(name="L", description="", columns=(column,))
    head, row = csv.reader(io.StringIO(render(table, "csv")))
    assert head == ["limit [pb]", "limit 1 sigma minus", "limit 1 sigma plus", "limit error"]
    assert [float(x) for x in row] == [1.0 / 3.0, 0.1, 0.2, 0.3]


def test_csv_leaves_out_what_does_not_exist():
    assert render(one(None), "csv") == 'x\n""\n'


def test_markdown_is_a_table_of_pipes():
    assert cell(one(1.0, 0.5), "markdown") == "1.00 ± 0.50"


def test_unknown_formats_are_refused():
    with pytest.raises(InputError, match="no format named 'latx'"):
        render(one(1.0), "latx")


def test_columns_have_equal_lengths():
    with pytest.raises(InputError, match="column 'b' of table 'T'"):
        DataTable(
            name="T",
            description="",
            columns=(Column(name="a", values=(1, 2)), Column(name="b", values=(1,))),
        )
    with pytest.raises(InputError, match="no column"):
        DataTable(name="T", description="", columns=())
