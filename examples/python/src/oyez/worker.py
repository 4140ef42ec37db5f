"""The push face: a partition's worker hands each of its sessions, in turn, everything that is pending for it."""

from __future__ import annotations

import atexit
import sys
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from threading import Event as Signal
from threading import Lock
from time import monotonic
from types import SimpleNamespace, TracebackType
from typing import Any, NamedTuple, cast
from weakref import WeakSet

from oyez._native import callback, ffi, lib
from oyez.errors import BusyError, DeliveryError, refusal
from oyez.filling import filled
from oyez.items import Item, Reader
from oyez.stats import sized

Deliver = Callable[[int, Sequence[Item]], int | None]
"""What a host does with one session's batch, of one item or more. Returns how many it took, from the front, or None for
all. Fewer than all makes the session lagging: what is left stays pending, and nothing is offered until `writable`."""


class Readiness(Enum):
    """What there is for a worker to do."""

    READY = 1
    """Something to drain."""
    PENDING = 2
    """Nothing now."""
    CLOSED = 3
    """The registry is shut down, and everything is handed over but to sessions that are parked or have an outbox."""


class Drained(NamedTuple):
    """What one drain did."""

    sessions: int
    """Sessions that were offered a batch."""
    items: int
    """Items that were taken: events and gaps."""
    ready: int
    """Sessions that wait for the next drain; some may have nothing to get any more."""
    overflowed: tuple[int, ...]
    """Sessions that ended because their queues were full; their connections are the host's to close."""


class Worker:
    """The one reader of a partition. Made by `Registry.worker`.

    It may be used from any thread, by one call at once: `BusyError`, also from within its callback. It may outlive its
    registry.
    """

    def __init__(self, handle: Any, fanout: Any, partition: int) -> None:
        self._handle = handle
        self._fanout = fanout
        self._partition = partition
        self._using = Lock()
        self._waiting = Lock()

    @property
    def partition(self) -> int:
        """The partition that it reads."""
        return self._partition

    def drain(self, deliver: Deliver, sessions_max: int = sys.maxsize) -> Drained:
        """Offers a batch to at most `sessions_max` sessions that have something pending, each at most once, by calling
        `deliver` with the session and its items, and books what it took. O(items handed over).

        A drain takes along at most 32 events for many sessions: `ready` is not 0 then, and the next drain goes on.
        Everything of the registry may be called from within `deliver`.

        What `deliver` raises harms no other session: the drain goes on, and ends with a `DeliveryError` that has all of
        it. The batch is abandoned, and its session told a gap, or it comes again, as the registry's `on_failure` says;
        the session lags until `writable`. An interruption, as by `KeyboardInterrupt`, ends the drain and is passed on:
        the batch in hand comes again, though some of it may have been taken, and those behind it with the next drain.
        """
        drive = _Drive(deliver)
        drained = self._drain(drive, sessions_max)
        if drive.interruption is None and not drive.errors:
            return drained
        failures = None
        if drive.errors:
            sessions, errors = zip(*drive.errors, strict=True)
            failures = DeliveryError("callbacks of a drain have raised", errors, sessions, drained)
        try:
            if drive.interruption is not None:
                raise drive.interruption from failures
            raise cast(DeliveryError, failures)
        finally:
            del failures, drive  # whose tracebacks have this frame, and the frame had them

    def _drain(self, drive: _Drive, sessions_max: int) -> Drained:
        with _alone(self._using, "another call has the worker"):
            handle, drained = self._handle, sized("oyez_drained")
            try:
                userdata = ffi.new_handle(drive)
                status = lib.oyez_worker_drain(handle, sessions_max, lib.oyez_py_deliver, userdata, drained)
                if status not in (lib.OYEZ_OK, lib.OYEZ_FAILED):
                    raise refusal(status, "the worker")
                overflowed = filled(lib.oyez_worker_overflowed, handle, count=drained.overflowed, what="the worker")
            finally:
                for session in drive.held:
                    lib.oyez_fanout_writable(self._fanout, session)  # unless it has disconnected
                del handle  # or the errors of callbacks, whose frames have this one behind them, would keep it
            return Drained(drained.sessions, drained.items, drained.ready, tuple(overflowed))

    def wait(self, timeout: float | None = None) -> bool:
        """Blocks until there is something to drain: True; or the registry is shut down and everything is handed over:
        False. `TimeoutError` after so many seconds."""
        deadline = None if timeout is None else monotonic() + timeout
        with _alone(self._waiting, "another call waits for the worker"):
            while True:
                signal = Signal()
                readiness = self._poll(signal.set)
                if readiness is not Readiness.PENDING:
                    return readiness is Readiness.READY
                if not signal.wait(None if deadline is None else max(deadline - monotonic(), 0)):
                    raise TimeoutError(f"nothing to drain for {timeout} seconds")

    def poll(self, wake: Callable[[], object]) -> Readiness:
        """Tells whether there is something to drain, without blocking; for a host with an event loop. O(1).

        `wake` is called exactly once: when there is something to drain or nothing will be any more, or another poll, a
        wait or `close` has put an end to this one; at once, and before this returns, if it returns something else than
        PENDING. It is called on any thread, and must only wake who drains: `loop.call_soon_threadsafe`. What it raises
        goes to `sys.unraisablehook`.
        """
        with _alone(self._waiting, "another call waits for the worker"):
            return self._poll(wake)

    def _poll(self, wake: Callable[[], object]) -> Readiness:
        with _alone(self._using, "another call has the worker"):
            userdata = ffi.new_handle(wake)
            _wakes.add(userdata)
            _polled.add(self)
            # What the library releases last, whatever has become of the poll, wakes: so nobody sleeps for ever.
            status = lib.oyez_worker_poll(self._handle, ffi.NULL, userdata, lib.oyez_py_wake)
        readiness = _READINESS.get(status)
        if readiness is None:
            raise refusal(status, "the worker")
        return readiness

    def close(self) -> None:
        """Lets the partition have another worker. Any number of times, also beside a call, which is finished."""
        self._handle = ffi.NULL

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


_READINESS = {
    lib.OYEZ_OK: Readiness.READY,
    lib.OYEZ_PENDING: Readiness.PENDING,
    lib.OYEZ_CLOSED: Readiness.CLOSED,
}


class _Drive:
    """One drain: who is called, and what came of it."""

    def __init__(self, deliver: Deliver) -> None:
        self.deliver = deliver
        self.reader = Reader()
        self.errors: list[tuple[int, Exception]] = []
        self.interruption: BaseException | None = None
        self.held: list[int] = []
        """Sessions that were offered a batch and will be again, because of an interruption."""

    def offer(self, session: int, items: Any, count: int) -> int:
        if self.interruption is not None:
            self.held.append(session)
            return 0
        took = self.deliver(session, self.reader.read(items, count))
        if took is None:
            return count
        if type(took) is not int or took < 0:
            raise TypeError(f"a callback returns how many items it took, or None for all, but not {took!r}")
        return min(took, count)

    def raised(self, session: int, error: BaseException) -> int:
        """What the library is told of a callback that has raised."""
        if isinstance(error, Exception):
            self.errors.append((session, error))
            return int(lib.OYEZ_TOOK_FAILED)
        self.interruption = error
        self.held.append(session)
        return 0


def _raised(_: type[BaseException], error: BaseException, where: TracebackType) -> int:
    """Not a handler in the function itself: an interruption can come before its first line."""
    arguments = where.tb_frame.f_locals
    drive: _Drive = ffi.from_handle(arguments["userdata"])
    return drive.raised(arguments["session"], error.with_traceback(where))


@callback("oyez_py_deliver", error=lib.OYEZ_TOOK_FAILED, onerror=_raised)
def _deliver(userdata: Any, session: int, items: Any, count: int) -> int:
    drive: _Drive = ffi.from_handle(userdata)
    return drive.offer(session, items, count)


_wakes: set[Any] = set()
"""Polls that have not ended: the library has their handles."""


def _unraisable(kind: type[BaseException], error: BaseException, where: TracebackType) -> None:
    """The thread that wakes has done nothing wrong, so it is told nothing."""
    userdata = where.tb_frame.f_locals["userdata"]
    _wake_up(userdata)  # if it was interrupted before its first line
    if issubclass(kind, KeyboardInterrupt):
        interrupt_main()  # once more, for who waits for it
    else:
        said = SimpleNamespace(exc_type=kind, exc_value=error, exc_traceback=where, err_msg="in wake", object=None)
        sys.unraisablehook(cast(Any, said))


@callback("oyez_py_wake", onerror=_unraisable)
def _wake(userdata: Any) -> None:
    _wake_up(userdata)


def _wake_up(userdata: Any) -> None:
    if userdata in _wakes:  # or Python ends
        wake = ffi.from_handle(userdata)
        _wakes.discard(userdata)
        wake()


_polled: WeakSet[Worker] = WeakSet()


@atexit.register
def _end() -> None:
    """Polls end, and nobody is woken: the library must not call a Python that is no more."""
    _wakes.clear()
    for worker in list(_polled):
        worker.close()


@contextmanager
def _alone(lock: Lock, otherwise: str) -> Iterator[None]:
    """One call at once; another one is refused, on the same thread too."""
    if not lock.acquire(blocking=False):
        raise BusyError(otherwise)
    try:
        yield
    finally:
        lock.release()
