"""What a session is handed: events, and gaps in the place of those that it did not get."""

from struct import Struct
from typing import Any, NamedTuple

from oyez._native import ffi, lib


class Event(NamedTuple):
    """An event that was published to one of the session's topics."""

    sequence: int
    """The number of its fan-out; every session gets its events in this order."""
    payload: bytes
    order_key: int
    metadata: int
    event_class: int


class Gap(NamedTuple):
    """Stands for events that the session did not get."""

    first: int
    """The sequence of the first that is missing."""
    last: int
    """The sequence of the last."""
    missing: int
    """How many there are, of those that were for this session."""


Item = Event | Gap

# The words of an item: unpacked at once, they cost a third of what they do as fields of cffi.
_ITEM = Struct("@IIQQQQQPNQ")
_CHARS = ffi.typeof("char *")
_GAP: int = lib.OYEZ_ITEM_GAP
_tuple = tuple.__new__  # a third of what calling a named one costs
_KEPT = 1024  # events that a reader keeps, to hand the same object to all sessions that get it

if _ITEM.size != ffi.sizeof("oyez_item"):
    raise ImportError("an item of the library's is not what oyez takes it for")


class Reader:
    """Makes objects of the items that the library points to. An event for many sessions is made once."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: dict[int, Event] = {}

    def read(self, items: Any, count: int) -> list[Item]:
        """Copies so many items. O(1) each, and its payload if it was not seen just now."""
        read: list[Item] = []
        if not count:
            return read
        events = self._events
        for words in _ITEM.iter_unpack(ffi.buffer(items, count * _ITEM.size)):
            kind, event_class, sequence, last, missing, order_key, metadata, payload, size, _ = words
            if kind == _GAP:
                read.append(Gap(sequence, last, missing))
                continue
            event = events.get(sequence)
            if event is None:
                copy = ffi.unpack(ffi.cast(_CHARS, payload), size) if size else b""
                event = _tuple(Event, (sequence, copy, order_key, metadata, event_class))
                if len(events) >= _KEPT:
                    events.clear()
                events[sequence] = event
            read.append(event)
        return read
