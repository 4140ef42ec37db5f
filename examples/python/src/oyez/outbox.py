"""The pull face: one session's events, read when its owner asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from threading import Lock
from types import TracebackType
from typing import Any

from oyez._native import ffi, lib
from oyez.errors import BusyError, NoSuchSessionError, refusal
from oyez.items import Item, Reader


class Outbox:
    """One session's pending events; the worker passes the session by until this is closed.

    Made by `Registry.outbox`. It may be used from any thread, by one call at once: `BusyError`. It may outlive its
    registry.
    """

    def __init__(self, handle: Any, session: int) -> None:
        self._handle = handle
        self._session = session
        self._taking = Lock()

    @property
    def session(self) -> int:
        """The session that it reads."""
        return self._session

    def next_batch(self, events_max: int = sys.maxsize) -> list[Item]:
        """Takes at most so many events, and the gaps among them, which counts as delivered. O(items).

        Nothing, when nothing is pending, the session is parked, or its window is full. `NoSuchSessionError`: it has
        disconnected.
        """
        if not self._taking.acquire(blocking=False):
            raise BusyError("another call has the outbox")
        try:
            handle = self._handle  # which keeps the batch, whoever closes the outbox meanwhile
            items, count = ffi.new("const oyez_item **"), ffi.new("size_t *")
            status = lib.oyez_outbox_next_batch(handle, events_max, items, count)
            if status == lib.OYEZ_NOT_FOUND:
                raise NoSuchSessionError(f"session {self._session} has ended")
            if status:
                raise refusal(status, "the outbox")
            return Reader().read(items[0], count[0])
        finally:
            self._taking.release()

    def __iter__(self) -> Iterator[list[Item]]:
        """Batches, until nothing is pending."""
        while batch := self.next_batch():
            yield batch

    def close(self) -> None:
        """Gives the session back to the worker. Any number of times, also beside a call, which is finished."""
        self._handle = ffi.NULL

    def __enter__(self) -> Outbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
