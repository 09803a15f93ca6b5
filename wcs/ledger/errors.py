"""What can go wrong with paper. Rule: each name says whose turn it is to act."""

from __future__ import annotations


class LedgerError(Exception):
    """Anything wrong with the ledger."""


class CommitFailed(LedgerError):
    """Nothing was written (disk full, database away): try the same batch again."""


class CommitUnknown(LedgerError):
    """It may or may not have been written: trying the same batch again finds out first."""


class BatchRefused(LedgerError, AssertionError):
    """The batch contradicts the books (a key posted twice, a balance below zero): our bug, trying again is no use."""


class LeaseLost(LedgerError):
    """Another host drives this site now: stop, commit nothing, send nothing."""


class LeaseHeld(LedgerError):
    """Another host drives this site: wait, or stop it first."""


class WrongDatabase(LedgerError):
    """The database is newer than this program, belongs to something else, or its address cannot be one."""
