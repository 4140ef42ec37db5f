"""What the library refuses, as exceptions. A closed object is a plain `ValueError`, as for files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oyez._native import lib, text_of

if TYPE_CHECKING:
    from oyez.worker import Drained


class OyezError(Exception):
    """What all of them are."""


class NoSuchSessionError(OyezError, LookupError):
    """The session has disconnected, or never was: its handle is nobody else's."""


class NoSuchPartitionError(OyezError, LookupError):
    """The registry has no partition of this number."""


class NotSubscribedError(OyezError, LookupError):
    """The session was not subscribed to the topic."""


class NotHandedOverError(OyezError, ValueError):
    """The session was handed nothing of the sequence that it acknowledges."""


class FullError(OyezError):
    """There are as many as there may be: sessions, topics, keys."""


class OverBudgetError(FullError):
    """The partition's budget has no room for what would come along."""


class TooLargeError(OyezError, ValueError):
    """The payload is larger than it may be."""


class BusyError(OyezError, RuntimeError):
    """In other hands at this moment: another call has the worker or the outbox, or there is one already."""


class ShutDownError(OyezError):
    """The registry takes in no more events."""


class InternalError(OyezError, RuntimeError):
    """A bug in the library. What was in the call's hands answers so from then on, and can be closed."""


class DeliveryError(OyezError, ExceptionGroup[Exception]):
    """Callbacks of a drain have raised. The drain went on; `exceptions` are theirs, in the order of `sessions`."""

    sessions: Sequence[int]
    drained: Drained

    def __new__(cls, message: str, exceptions: Sequence[Exception], *_: object) -> DeliveryError:
        return super().__new__(cls, message, exceptions)

    def __init__(
        self, message: str, exceptions: Sequence[Exception], sessions: Sequence[int], drained: Drained
    ) -> None:
        super().__init__(message, exceptions)
        self.sessions = tuple(sessions)
        self.drained = drained


_REFUSALS: dict[int, type[Exception]] = {
    lib.OYEZ_INVALID: ValueError,
    lib.OYEZ_NOT_FOUND: NoSuchSessionError,
    lib.OYEZ_NOT_SUBSCRIBED: NotSubscribedError,
    lib.OYEZ_NO_PARTITION: NoSuchPartitionError,
    lib.OYEZ_NOT_HANDED_OVER: NotHandedOverError,
    lib.OYEZ_FULL: FullError,
    lib.OYEZ_OVER_BUDGET: OverBudgetError,
    lib.OYEZ_TOO_LARGE: TooLargeError,
    lib.OYEZ_BUSY: BusyError,
    lib.OYEZ_CLOSED: ShutDownError,
}


def refusal(status: int, what: str) -> Exception:
    """The exception for a status; `what` the call was about."""
    if status == lib.OYEZ_NULL:  # the one pointer that can be: see `_native`
        return ValueError("used after close()")
    return _REFUSALS.get(status, InternalError)(f"{what}: {text_of(status)}")
