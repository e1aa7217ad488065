"""The decorators that mark hooks; alone, so that a plugin's import stays cheap."""

import pluggy

__all__ = ["PROJECT", "hookimpl", "hookspec"]

#: Project name under which pluggy files the marks.
PROJECT = "nextstat"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
