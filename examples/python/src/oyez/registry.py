"""Sessions, their topics, and a bounded queue of events for each: publish on one side, drain on the other."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import TracebackType
from typing import Any, NamedTuple

from oyez._native import fanout_options, ffi, lib, owned, place
from oyez.errors import refusal
from oyez.filling import UINT32, filled
from oyez.items import Gap
from oyez.outbox import Outbox
from oyez.stats import Accounting, PartitionStats, Stats, counted, sized
from oyez.worker import Deliver, Drained, Worker

Numbers = int | Iterable[int]
"""One topic or session, or several; an `array("Q")` is taken as it is."""

NOBODY: tuple[int, ...] = ()


class Overload(IntEnum):
    """What gives way to an event when a session's queue is full."""

    DROP_OLDEST = lib.OYEZ_OVERLOAD_DROP_OLDEST
    """The oldest event in the queue: for what is soon out of date."""
    DROP_NEWEST = lib.OYEZ_OVERLOAD_DROP_NEWEST
    """The event that comes: for what need not be complete."""
    DISCONNECT = lib.OYEZ_OVERLOAD_DISCONNECT
    """The session, as if it had disconnected: for what it must not miss."""


class OnFailure(IntEnum):
    """What becomes of the batch of a callback that has raised."""

    ABANDON = lib.OYEZ_ON_PANIC_ABANDON
    """It is abandoned, and the session is told a gap."""
    KEEP = lib.OYEZ_ON_PANIC_KEEP
    """It comes again."""


class Verdict(IntEnum):
    """Whether a session is in an audience, or which rule keeps it out."""

    INCLUDED = lib.OYEZ_VERDICT_INCLUDED
    EXCLUDED = lib.OYEZ_VERDICT_EXCLUDED
    UNSUBSCRIBED = lib.OYEZ_VERDICT_UNSUBSCRIBED


class Fate(IntEnum):
    """What became of an event for a session."""

    NOT_PUBLISHED = lib.OYEZ_FATE_NOT_PUBLISHED
    NOT_ADDRESSED = lib.OYEZ_FATE_NOT_ADDRESSED
    REFUSED = lib.OYEZ_FATE_REFUSED
    """The session's partition was over its budget."""
    PENDING = lib.OYEZ_FATE_PENDING
    OFFERED = lib.OYEZ_FATE_OFFERED
    """The host has it in hand and has not answered yet."""
    HANDED_OVER = lib.OYEZ_FATE_HANDED_OVER
    MISSED = lib.OYEZ_FATE_MISSED
    """The session did not get it, or nobody knows: it is in the gap."""
    FORGOTTEN = lib.OYEZ_FATE_FORGOTTEN
    """Too long ago to say."""


class Told(NamedTuple):
    """A fate, and what belongs to it."""

    fate: Fate
    ahead: int | None
    """PENDING: how many of the session's events are before it."""
    gap: Gap | None
    """MISSED: what the session is told instead."""


class Explained(NamedTuple):
    """A verdict, and the lowest topic of the query that the session is subscribed to, if it is included."""

    verdict: Verdict
    topic: int | None


class Subscribed(NamedTuple):
    """Every event of the topic with a sequence greater than `after` is for the session."""

    after: int
    is_new: bool


class Resumed(NamedTuple):
    """What a session gets that is back."""

    again: int
    """Events that it was handed and has not acknowledged, which come again."""
    pending: int
    """What waits behind them."""


class Receipt(NamedTuple):
    """What a publish did."""

    sequence: int
    """The number of this fan-out."""
    accepted: int
    """Sessions for which the event was accepted."""
    sessions_refused: int
    """Sessions that do not get it, since the budget of their partitions is used up."""
    refused: tuple[int, ...]
    """Those partitions; usually none."""
    overflowed: tuple[int, ...]
    """Sessions that ended because their queues were full; their connections are the host's to close."""


class Registry:
    """Sessions and topics are numbers: topics are the host's own, a session's is never 0 and never another's.

    Any thread may use it, at any time, also from within a callback. A session that has disconnected is a
    `NoSuchSessionError` everywhere, and a closed registry a `ValueError`. Limits that are not given are the library's.

    >>> with Registry() as registry:
    ...     ada = registry.connect()
    ...     registry.subscribe(ada, topic=42)
    ...     registry.publish(42, b"hello").accepted
    ...     [event.payload for batch in registry.outbox(ada) for event in batch]
    Subscribed(after=0, is_new=True)
    1
    [b'hello']
    """

    def __init__(
        self,
        partitions: int = 1,
        *,
        on_failure: OnFailure = OnFailure.ABANDON,
        overload: Mapping[int, Overload] | None = None,
        sessions_per_partition_max: int | None = None,
        topics_per_session_max: int | None = None,
        events_per_session_max: int | None = None,
        batch_max: int | None = None,
        bytes_per_partition_max: int | None = None,
        payload_bytes_max: int | None = None,
        history_bytes_max: int | None = None,
        log_sessions_min: int | None = None,
    ) -> None:
        """Makes a registry without sessions; `overload` is by the class of an event, 0 to 63. O(partitions)."""
        limits = {
            "sessions_per_partition_max": sessions_per_partition_max,
            "topics_per_session_max": topics_per_session_max,
            "events_per_session_max": events_per_session_max,
            "batch_max": batch_max,
            "bytes_per_partition_max": bytes_per_partition_max,
            "payload_bytes_max": payload_bytes_max,
            "history_bytes_max": history_bytes_max,
            "log_sessions_min": log_sessions_min,
        }
        options = fanout_options()
        options.partitions, options.on_panic = partitions, on_failure
        for name, limit in limits.items():
            if limit is not None:
                setattr(options, name, limit)
        for event_class, choice in (overload or {}).items():
            if not 0 <= event_class < len(options.overload):
                raise ValueError(f"no class of events is {event_class}")
            options.overload[event_class] = choice
        made = place("fanout")
        status = lib.oyez_fanout_new(options, made)
        if status:
            raise refusal(status, "the options")
        self._handle = owned("fanout", made)
        self._posts: list[_Post] = []  # one for each publish that runs; a call takes one and puts it back

    # ------------------------------------------------------------------------------------------------------- sessions

    def connect(self, partition: int = 0, *, window: int = 0) -> int:
        """Connects a session to a partition and returns its handle. It gets no event published before. With a window,
        it acknowledges what it has, and is handed at most so many events beyond that. Amortised O(log n)."""
        options, session = sized("oyez_session_options"), ffi.new("uint64_t *")
        options.window = window
        status = lib.oyez_fanout_connect(self._handle, partition, options, session)
        if status:
            raise refusal(status, f"partition {partition}")
        return int(session[0])

    def disconnect(self, session: int) -> int:
        """Ends a session, discards what is pending for it, and returns how many topics it had. O(log n) for each of
        those, O(1) for each event that is pending or in its partition's log."""
        topics = ffi.new("size_t *")
        status = lib.oyez_fanout_disconnect(self._handle, session, topics)
        if status:
            raise refusal(status, f"session {session}")
        return int(topics[0])

    def drop_partition(self, partition: int) -> int:
        """Ends all sessions of a partition and returns how many. O(log n) for each subscription; publishers wait."""
        sessions = ffi.new("size_t *")
        status = lib.oyez_fanout_drop_partition(self._handle, partition, sessions)
        if status:
            raise refusal(status, f"partition {partition}")
        return int(sessions[0])

    def move(self, session: int, partition: int) -> None:
        """Moves a session to another partition, with its handle, its topics and what is pending for it. O(log n) for
        each topic, O(1) for each event; publishers wait. `BusyError`: it is in a callback's hands or has an outbox."""
        status = lib.oyez_fanout_move(self._handle, session, partition)
        if status:
            raise refusal(status, f"session {session} to partition {partition}")

    def partition_of(self, session: int) -> int:
        """The partition of a session. O(1)."""
        partition = ffi.new("uint32_t *")
        status = lib.oyez_fanout_partition_of(self._handle, session, partition)
        if status:
            raise refusal(status, f"session {session}")
        return int(partition[0])

    def park(self, session: int) -> None:
        """A session's connection broke: it keeps its topics and its place, and is offered nothing until it resumes.
        O(1)."""
        status = lib.oyez_fanout_park(self._handle, session)
        if status:
            raise refusal(status, f"session {session}")

    def resume(self, session: int, acknowledged: int = 0) -> Resumed:
        """A session is back, and its client has every event up to `acknowledged`, 0 for none that is known of. What it
        was handed beyond that comes again, if it has a window, then what waited. O(1) for each acknowledged."""
        again, pending = ffi.new("size_t *"), ffi.new("size_t *")
        status = lib.oyez_fanout_resume(self._handle, session, acknowledged, again, pending)
        if status:
            raise refusal(status, f"session {session}, sequence {acknowledged}")
        return Resumed(again[0], pending[0])

    def acknowledge(self, session: int, through: int) -> int:
        """The client of a session with a window has every event up to this sequence. Returns how many of them are newly
        acknowledged. O(1) for each."""
        acknowledged = ffi.new("size_t *")
        status = lib.oyez_fanout_acknowledge(self._handle, session, through, acknowledged)
        if status:
            raise refusal(status, f"session {session}, sequence {through}")
        return int(acknowledged[0])

    def writable(self, session: int) -> None:
        """A session that did not take all it was offered can take more: what is pending comes with the next drain.
        O(1)."""
        status = lib.oyez_fanout_writable(self._handle, session)
        if status:
            raise refusal(status, f"session {session}")

    # --------------------------------------------------------------------------------------------------------- topics

    def subscribe(self, session: int, topic: int) -> Subscribed:
        """Subscribes a session to a topic; again is no error. O(log n) in the topic's subscribers, O(t) in the topics
        of the session."""
        after = ffi.new("uint64_t *")
        status = lib.oyez_fanout_subscribe(self._handle, session, topic, after)
        if status == lib.OYEZ_ALREADY:
            return Subscribed(after[0], False)
        if status:
            raise refusal(status, f"session {session}")
        return Subscribed(after[0], True)

    def unsubscribe(self, session: int, topic: int) -> None:
        """Ends a subscription. Events accepted before are still delivered. Costs what `subscribe` does."""
        status = lib.oyez_fanout_unsubscribe(self._handle, session, topic)
        if status:
            raise refusal(status, f"session {session}, topic {topic}")

    def unsubscribe_discarding(self, session: int, topic: int) -> int:
        """Ends a subscription, discards what is pending from that topic alone, and returns how many events that were.
        O(n) in what is pending for the session, besides."""
        discarded = ffi.new("size_t *")
        status = lib.oyez_fanout_unsubscribe_discarding(self._handle, session, topic, discarded)
        if status:
            raise refusal(status, f"session {session}, topic {topic}")
        return int(discarded[0])

    def subscribers(self, topic: int) -> int:
        """The number of subscribers of a topic. O(1)."""
        count = ffi.new("size_t *")
        status = lib.oyez_fanout_topic_len(self._handle, topic, count)
        if status:
            raise refusal(status, f"topic {topic}")
        return int(count[0])

    def topics_of(self, session: int) -> array[int]:
        """The topics of a session, in order. O(t)."""
        return filled(lib.oyez_fanout_topics_of, self._handle, session, count=16, what=f"session {session}")

    # ------------------------------------------------------------------------------------------------------- audiences

    def audience_count(self, topics: Numbers, *, exclude: Numbers = NOBODY) -> int:
        """How many sessions are subscribed to at least one of the topics and not excluded: exactly those that an event
        published now would be for. O(n) in them."""
        query, count = _Query(topics, exclude), ffi.new("size_t *")
        status = lib.oyez_fanout_audience_count(self._handle, query.struct, count)
        if status:
            raise refusal(status, "the query")
        return int(count[0])

    def audience(self, topics: Numbers, *, exclude: Numbers = NOBODY) -> array[int]:
        """Those sessions, those of a partition together, in an array of 64-bit numbers. O(n) in them."""
        query = _Query(topics, exclude)
        count = self.audience_count(topics, exclude=exclude) if isinstance(topics, int) else 0
        what = "the query"
        return filled(lib.oyez_fanout_audience, self._handle, query.struct, count=count, what=what)

    def explain(self, session: int, topics: Numbers, *, exclude: Numbers = NOBODY) -> Explained:
        """Whether a session is in an audience, and which rule keeps it out. O(topics)."""
        query, verdict, topic = _Query(topics, exclude), ffi.new("uint32_t *"), ffi.new("uint64_t *")
        status = lib.oyez_fanout_explain(self._handle, session, query.struct, verdict, topic)
        if status:
            raise refusal(status, f"session {session}")
        explained = Verdict(verdict[0])
        return Explained(explained, topic[0] if explained is Verdict.INCLUDED else None)

    # -------------------------------------------------------------------------------------------------------- delivery

    def publish(
        self,
        topics: Numbers,
        payload: Any,
        *,
        order_key: int = 0,
        metadata: int = 0,
        event_class: int = 0,
        exclude: Numbers = NOBODY,
    ) -> Receipt:
        """Accepts an event for every session of the audience, in the order of its `order_key`. The payload is bytes, or
        another buffer, and copied once; `metadata` is a word of the host's own. Never waits for a session or a worker.
        O(partitions) for one topic, and O(1) for each session of a partition that has few in it.

        `TooLargeError`: the payload is. `ShutDownError`: the registry takes in no more events.
        """
        try:
            post = self._posts.pop()
        except IndexError:
            post = _Post()
        query, event = post.query, post.event
        if type(topics) is int:
            post.topic[0] = topics
            query.topics, query.topics_count = post.topic, 1
        else:
            several = _numbers(topics)
            query.topics, query.topics_count = several, len(several)
        excluded = post.nobody if exclude is NOBODY else _numbers(exclude)
        setattr(query, "except", excluded)
        query.except_count = len(excluded)
        event.order_key, event.metadata, event.event_class = order_key, metadata, event_class
        bytes_of = ffi.from_buffer(_BYTES, payload)
        event.payload, event.payload_len = bytes_of, len(bytes_of)
        status = lib.oyez_fanout_publish(self._handle, query, event, post.receipt)
        if status:
            raise refusal(status, "the event")
        receipt = post.read()
        self._posts.append(post)
        return receipt

    def worker(self, partition: int = 0) -> Worker:
        """The one reader of a partition. `BusyError`: it has one, which is not closed. O(1)."""
        handle, made = self._handle, place("worker")
        status = lib.oyez_worker_new(handle, partition, made)
        if status:
            raise refusal(status, f"partition {partition}")
        return Worker(owned("worker", made), handle, partition)

    def drain(self, deliver: Deliver, partition: int = 0, sessions_max: int = sys.maxsize) -> Drained:
        """Drains a partition once, as `Worker.drain` does, with a worker made for it. `BusyError`: it has another."""
        with self.worker(partition) as worker:
            return worker.drain(deliver, sessions_max)

    def outbox(self, session: int) -> Outbox:
        """Reads one session's events in place of the worker. `BusyError`: the session has one, or a callback has its
        batch in hand. O(1)."""
        made = place("outbox")
        status = lib.oyez_outbox_new(self._handle, session, made)
        if status:
            raise refusal(status, f"session {session}")
        return Outbox(owned("outbox", made), session)

    def fate(self, session: int, sequence: int) -> Told:
        """What became of an event for a session. O(log n) in the recent events, O(n) in the session's queue."""
        told = ffi.new("oyez_fate *")
        status = lib.oyez_fanout_fate(self._handle, session, sequence, told)
        if status:
            raise refusal(status, f"session {session}")
        fate = Fate(told.kind)
        return Told(
            fate,
            told.ahead if fate is Fate.PENDING else None,
            Gap(told.gap_first, told.gap_last, told.gap_missing) if fate is Fate.MISSED else None,
        )

    # -------------------------------------------------------------------------------------------------------- counters

    def stats(self) -> Stats:
        """Counts the whole registry. O(partitions)."""
        return counted(Stats, lib.oyez_fanout_stats, self._handle, what="the registry")

    def partition_stats(self, partition: int = 0) -> PartitionStats:
        """Counts one partition. O(partitions)."""
        what = f"partition {partition}"
        return counted(PartitionStats, lib.oyez_fanout_partition_stats, self._handle, partition, what=what)

    def accounting(self) -> Accounting:
        """Where every event accepted for any session went. O(partitions)."""
        return counted(Accounting, lib.oyez_fanout_accounting, self._handle, what="the registry")

    def session_accounting(self, session: int) -> Accounting:
        """Where every event accepted for one session went. O(events in its partition's log)."""
        what = f"session {session}"
        return counted(Accounting, lib.oyez_fanout_session_accounting, self._handle, session, what=what)

    # ------------------------------------------------------------------------------------------------------------- end

    @property
    def is_open(self) -> bool:
        """Whether it takes in events."""
        status = lib.oyez_fanout_is_open(self._handle)
        if status == lib.OYEZ_CLOSED:
            return False
        if status:
            raise refusal(status, "the registry")
        return True

    def shut_down(self) -> None:
        """Takes in no more events. What was accepted is still drained, and then a worker that waits is told so.
        O(partitions)."""
        status = lib.oyez_fanout_close(self._handle)
        if status:
            raise refusal(status, "the registry")

    def close(self) -> None:
        """Shuts down and lets go of everything, which its workers and outboxes keep until they are closed. Any number
        of times, also beside calls, which are finished."""
        lib.oyez_fanout_close(self._handle)
        self._handle = ffi.NULL

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def validate(self) -> None:
        """Checks every invariant; for tests, while no callback runs. O(n log n)."""
        reason = ffi.new("const char **")
        handle = self._handle
        status = lib.oyez_fanout_validate(handle, reason)
        if status:
            raise refusal(status, ffi.string(reason[0]).decode() if reason[0] else "the registry")


class _Query:
    """Topics, and who is left out, as the library wants them; what it points to lives as long."""

    def __init__(self, topics: Numbers, exclude: Numbers) -> None:
        self.struct = sized("oyez_query")
        self._topics, self._excluded = _numbers(topics), _numbers(exclude)
        self.struct.topics, self.struct.topics_count = self._topics, len(self._topics)
        setattr(self.struct, "except", self._excluded)  # a word of Python's
        self.struct.except_count = len(self._excluded)


class _Post:
    """What a publish needs of the library's structs, and its receipt; for one publish after the other."""

    def __init__(self) -> None:
        self.query, self.event, self.counts = sized("oyez_query"), sized("oyez_event"), sized("oyez_receipt_counts")
        self.topic, self.nobody = ffi.new("uint64_t[1]"), ffi.new("uint64_t[0]")
        made = place("receipt")
        status = lib.oyez_receipt_new(made)
        if status:
            raise refusal(status, "the receipt")
        self.receipt = owned("receipt", made)

    def read(self) -> Receipt:
        counts, receipt, what = self.counts, self.receipt, "the receipt"
        status = lib.oyez_receipt_read(receipt, counts)
        if status:
            raise refusal(status, what)
        refused = overflowed = array("Q")
        if count := counts.partitions_refused:
            refused = filled(lib.oyez_receipt_refused, receipt, count=count, what=what, numbers=UINT32)
        if count := counts.sessions_overflowed:
            overflowed = filled(lib.oyez_receipt_overflowed, receipt, count=count, what=what)
        told = counts.sequence, counts.accepted, counts.sessions_refused, tuple(refused), tuple(overflowed)
        return Receipt._make(told)


_BYTES = ffi.typeof("uint8_t[]")
_UINT64 = ffi.typeof("uint64_t[]")


def _numbers(numbers: Numbers) -> Any:
    """An array of 64-bit numbers: a copy, or the one that it was given."""
    if isinstance(numbers, int):
        return ffi.new(_UINT64, [numbers])
    if isinstance(numbers, array) and numbers.typecode == "Q":
        return ffi.from_buffer(_UINT64, numbers)
    return ffi.new(_UINT64, list(numbers))
