"""``python -m nextstat_commands`` is the command ``nextstat``."""

from nextstat_commands.main import main

main()
