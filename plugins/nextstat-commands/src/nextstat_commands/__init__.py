"""The command line of nextstat."""

from nextstat_commands.main import main

__all__ = ["main"]
