"""Fuzz descriptions and expressions: python tests/fuzz/atheris_histograms.py -max_total_time=600.

The first byte says which: ``d`` is a description, anything else an expression. What passes the
check of expressions is computed by numexpr and by uproot.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["nextstat_histograms", "yaml"]):
    from fuzz_harness import survives
    from test_histograms import DESCRIPTION, fill_both

    from nextstat_histograms import check_expression, read_description
    from nextstat_histograms.yaml_text import read_yaml

from nextstat_core.errors import NextstatError

EXPRESSIONS = [
    "(pt > 1) & ~flag | (n == 3)",
    "where(pt > 1, pt**2, -exp(-n / 2))",
    "get('pt') + abs(1e3 * pt) % 2",
    "__import__('os').system('true')",
    "().__class__.__bases__[0]",
]


def one(data: bytes) -> None:
    text = data[1:].decode("utf-8", errors="replace")
    if data.startswith(b"d"):
        survives(lambda payload: read_description(read_yaml(payload)), text, trace=False)
    elif not isinstance(survives(check_expression, text, trace=False), NextstatError):
        survives(fill_both, text, trace=False)


if __name__ == "__main__":
    corpus = Path(mkdtemp(prefix="nextstat-fuzz-"))
    for index, seed in enumerate(["d" + DESCRIPTION, *("e" + text for text in EXPRESSIONS)]):
        (corpus / str(index)).write_text(seed)
    atheris.Setup([*sys.argv, str(corpus), "-max_len=2000"], one)
    atheris.Fuzz()
