"""How a command ends, for whoever calls it from a script: the table of docs/site.md. 0 is done."""

from __future__ import annotations

NOT_WELL = 1  # it was done with a bad result, or broken off
REFUSED = 2  # nothing began; a line says why. Also what Typer says of a wrong option
STOPPED = 130  # by Ctrl-C, with work left
