"""What can be wrong with words that came from the wire.

Rule: every one is a TelegramError, so a session can treat "read again" and "not our interface" apart, by name.
"""

from __future__ import annotations


class TelegramError(ValueError):
    """Words that are not a telegram of the device interface."""

    words = "no telegram of the device interface"


class WrongLength(TelegramError):
    """Fewer or more words than the block has."""

    words = "a block of the wrong length"


class WrongCrc(TelegramError):
    """The CRC word does not agree with the words before it."""

    words = "the CRC does not agree"


class TornRead(TelegramError):
    """PlcLife and its copy differ: the PLC wrote while we read; read again."""

    words = "the PLC is always read while it writes"


class WrongMapVersion(TelegramError):
    """The PLC speaks another version of the register map."""

    words = "another version of the register map"


class UnknownCode(TelegramError):
    """A code word holds a number that the interface does not name."""

    words = "a code that the interface does not name"
