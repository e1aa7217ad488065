"""Fuzz XML with coverage: python tests/fuzz/atheris_histfactory.py -max_total_time=600.

The input is the ``<Combination>`` and the ``<Channel>``, separated by a null byte.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["nextstat_root", "nextstat_core"]):
    from fuzz_harness import survives
    from test_histfactory import FILES, folder

    from nextstat_root import read_histfactory


def read(data: bytes) -> object:
    target, _ = folder()
    parts = data.split(b"\x00", 1)
    for name, content in zip(FILES, [*parts, b""], strict=False):
        (target / name).write_bytes(content)
    return read_histfactory(target / FILES[0], base_dir=target)


def one(data: bytes) -> None:
    survives(read, data, trace=False)


if __name__ == "__main__":
    corpus = Path(mkdtemp(prefix="nextstat-fuzz-"))
    (corpus / "one").write_bytes("\x00".join(folder()[1].values()).encode())
    atheris.Setup([*sys.argv, str(corpus), "-max_len=8000"], one)
    atheris.Fuzz()
