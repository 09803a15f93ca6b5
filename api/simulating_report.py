"""Whether a report can be written, asked before anything runs: hours of computing are not to end in a wrong folder."""

from __future__ import annotations

from pathlib import Path


def why_not(file: Path) -> str:
    """Why this file cannot be written; empty: it can. One that is there is not touched, none is left behind."""
    folder = file.absolute().parent
    try:
        if not folder.is_dir():
            return f"there is no folder {folder}"
        new = not file.exists()
        with file.open("ab"):
            pass
        if new:
            file.unlink()
    except OSError as error:
        return f"{file}: {error.strerror}"
    return ""
