"""Whether a report can be written, asked before anything runs: hours of computing are not to end in a wrong folder."""

from __future__ import annotations

from pathlib import Path


def why_not(file: Path) -> str:
    """Why this file cannot be written; empty: it can. One that is there is not touched, none is left behind.

    What is new, and a device, is asked with a byte: a full disk opens files.
    """
    folder = file.absolute().parent
    try:
        if not folder.is_dir():
            return f"there is no folder {folder}"
        new = not file.exists()
        try:
            with file.open("ab") as opened:
                if new or file.is_char_device():
                    opened.write(b"\n")
        finally:
            if new:
                file.unlink(missing_ok=True)
    except OSError as error:
        return f"{file}: {error.strerror}"
    return ""
