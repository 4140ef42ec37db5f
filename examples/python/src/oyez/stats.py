"""Counters, as the library's structs have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from oyez._native import ffi
from oyez.errors import refusal


@dataclass(frozen=True, slots=True)
class Stats:
    """A whole registry."""

    published: int
    """Fan-outs so far; also the last sequence given."""
    refused: int
    """Recipients that partitions over their budget refused."""
    gaps: int
    """Gaps told to sessions."""
    sessions: int
    topics: int
    """Topics with at least one subscriber."""
    subscriptions: int
    """Pairs of session and topic."""
    lagging: int
    """Sessions that did not take all they were offered."""
    partitions: int


@dataclass(frozen=True, slots=True)
class PartitionStats:
    """One partition."""

    sessions: int
    ready: int
    """Sessions with something to get, in turn for the worker; at times some that have ended since."""
    lagging: int
    """Sessions that did not take all they were offered and have not said that they can take more."""
    parked: int
    unacknowledged: int
    """Events handed over to sessions with a window and not acknowledged yet."""
    events_held: int
    """Distinct events that some session of the partition has not got yet."""
    events_in_log: int
    """Of those: events for many sessions, which wait in the log."""
    bytes: int
    """What is pending or not acknowledged: what counts towards the budget."""
    lag: int
    """How many events have been published since the oldest that waits in the log, that one included; or 0."""
    refused: int
    """Recipients refused because the partition was over its budget."""
    gaps: int
    """Gaps told to sessions."""
    panics: int
    """Callbacks that raised."""
    events_behind: int
    """Distinct events for many sessions that have gone out and are kept for those that nobody reads."""


@dataclass(frozen=True, slots=True)
class Accounting:
    """Where every accepted event went; an event for a thousand sessions counts a thousand times.

    At every moment accepted = delivered + dropped + all four discarded + abandoned + pending.
    """

    accepted: int
    """Put into a session's queue."""
    delivered: int
    """Taken by the host."""
    dropped: int
    """Gave way because the session's queue was full; each is in a gap that the session is told."""
    shed: int
    """Of those dropped: shed because the partition's budget was used up."""
    discarded_disconnect: int
    """Were pending when the session disconnected."""
    discarded_partition_drop: int
    """Were pending when the partition was dropped."""
    discarded_overflow: int
    """Were pending when the session ended because its queue was full."""
    discarded_unsubscribe: int
    """Were pending when the session unsubscribed, and discarded at its wish."""
    abandoned: int
    """In the hands of a callback that raised; each is in a gap that the session is told."""
    pending: int
    """In a queue, or in the hands of the host."""


T = TypeVar("T", Stats, PartitionStats, Accounting)

_STRUCTS = {Stats: "oyez_stats", PartitionStats: "oyez_partition_stats", Accounting: "oyez_accounting"}


def counted(kind: type[T], call: Callable[..., int], handle: Any, *which: int, what: str) -> T:
    """Calls what fills the struct of this kind."""
    struct = sized(_STRUCTS[kind])
    status = call(handle, *which, struct)
    if status:
        raise refusal(status, what)
    return kind(*(getattr(struct, field.name) for field in fields(kind)))


def sized(name: str) -> Any:
    """A struct that says its size, and is zero otherwise."""
    pointer, size = _LAYOUTS[name]
    struct = ffi.new(pointer)
    struct.struct_size = size
    return struct


_LAYOUTS = {
    name: (ffi.typeof(f"{name} *"), ffi.sizeof(name))
    for name in (
        "oyez_accounting",
        "oyez_drained",
        "oyez_event",
        "oyez_partition_stats",
        "oyez_query",
        "oyez_receipt_counts",
        "oyez_session_options",
        "oyez_stats",
    )
}
