"""Writes the addresses of other sites that the pages link to into ``external_links.txt``.

The build fetches none of them; ``python -m sphinx -b linkcheck docs build/links`` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("build-finished", _list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _list(app: Sphinx, error: Exception | None) -> None:
    if error is not None:
        return
    found = {
        (node["refuri"], page)
        for page in app.env.found_docs
        for node in app.env.get_doctree(page).findall(nodes.reference)
        if "://" in node.get("refuri", "")
    }
    lines = [f"{address}  ({page})\n" for address, page in sorted(found)]
    Path(app.outdir, "external_links.txt").write_text("".join(lines), encoding="utf-8")
