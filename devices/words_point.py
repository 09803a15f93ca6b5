"""Words of a point's event: what was scanned, weighed and measured there, and the last two outcomes.

Rule: ScanSeq 0 means that nothing was seen yet; entries of the ring with ScanSeq 0 are empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.words_errors import UnknownCode, WrongLength
from devices.words_layout import BARCODE_AT, BARCODE_WORDS, EVENT, EVENT_WORDS, OUTCOME_RING, ValueOutOfRange
from wcs.core.ports import OutcomeReason, PointOutcome, PointStatus, ScanFlags

BARCODE_LENGTH_MAX = 2 * BARCODE_WORDS


def encode_event(status: PointStatus) -> list[int]:
    """The 32 words of a point's event."""
    if len(status.outcomes) > OUTCOME_RING:
        raise ValueOutOfRange(f"OutcomeRing of {len(status.outcomes)} entries")
    values = {
        "ScanSeq": status.scan_sequence,
        "Flags": int(status.flags),
        "TrackNumber": status.track,
        "DeadlineMs": status.deadline_ms,
        "Weight": status.mass_g,
        "Height": status.height_mm,
    }
    for n, outcome in enumerate(status.outcomes, 1):
        values |= {
            f"Outcome{n}ScanSeq": outcome.scan_sequence,
            f"Outcome{n}Exit": outcome.exit,
            f"Outcome{n}Reason": outcome.reason,
        }
    words = EVENT.write(values)
    words[BARCODE_AT : BARCODE_AT + BARCODE_WORDS] = _text_words(status.barcode)
    return words


def _text_words(text: str) -> list[int]:
    if not text.isascii() or "\0" in text or len(text) > BARCODE_LENGTH_MAX:
        raise ValueOutOfRange(f"barcode {text!r} is not up to {BARCODE_LENGTH_MAX} ASCII characters")
    data = text.encode("ascii").ljust(BARCODE_LENGTH_MAX, b"\0")
    return [data[n] << 8 | data[n + 1] for n in range(0, BARCODE_LENGTH_MAX, 2)]


def decode_event(words: Sequence[int]) -> PointStatus:
    """A point's event from its 32 words; UnknownCode if a reason is not one of the interface.

    A barcode ends at its first NUL; a byte that is not ASCII is shown as U+FFFD, so that such a code is known to none.
    """
    if len(words) != EVENT_WORDS:
        raise WrongLength(f"event of {len(words)} words")
    values = EVENT.read(words)
    data = b"".join(word.to_bytes(2, "big") for word in words[BARCODE_AT : BARCODE_AT + BARCODE_WORDS])
    try:
        outcomes = tuple(
            PointOutcome(
                scan_sequence=values[f"Outcome{n}ScanSeq"],
                exit=values[f"Outcome{n}Exit"],
                reason=OutcomeReason(values[f"Outcome{n}Reason"]),
            )
            for n in range(1, OUTCOME_RING + 1)
            if values[f"Outcome{n}ScanSeq"]
        )
    except ValueError as error:
        raise UnknownCode(str(error)) from None
    return PointStatus(
        scan_sequence=values["ScanSeq"],
        flags=ScanFlags(values["Flags"]),
        track=values["TrackNumber"],
        deadline_ms=values["DeadlineMs"],
        mass_g=values["Weight"],
        height_mm=values["Height"],
        barcode=data.partition(b"\0")[0].decode("ascii", "replace"),
        outcomes=outcomes,
    )
