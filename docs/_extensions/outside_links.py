"""Lets pages link to files of the repository outside of ``docs``, as they do on a forge.

Such a file is no page of the site; the link downloads it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["setup"]

_LINK = re.compile(r"\[(?P<label>[^\]]+)\]\((?P<path>\.\./[^)#\s]+)(#[^)\s]*)?\)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("source-read", _rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _rewrite(app: Sphinx, docname: str, source: list[str]) -> None:
    folder = Path(app.env.doc2path(docname)).parent

    def download(link: re.Match[str]) -> str:
        if (folder / link["path"]).resolve().is_relative_to(Path(app.srcdir).resolve()):
            return link[0]
        label = link["label"].replace("`", "")
        return f"{{download}}`{label} <{link['path']}>`"

    source[0] = _LINK.sub(download, source[0])
