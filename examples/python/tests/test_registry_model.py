"""A registry against a naive one: a list of events for each session, in whatever order hypothesis thinks of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from oyez import (
    BusyError,
    DeliveryError,
    Event,
    Gap,
    Item,
    NoSuchSessionError,
    NotSubscribedError,
    Outbox,
    Registry,
)

QUEUE = 4
PARTITIONS = 2
TOPICS = st.integers(0, 3)
SESSIONS = Bundle("sessions")
ENDED = Bundle("ended")


@dataclass
class Session:
    """What the naive registry knows of a session."""

    partition: int
    topics: set[int] = field(default_factory=set)
    waiting: list[Event] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    """Sequences that the next gap is about: they are all before what waits."""
    lagging: bool = False
    parked: bool = False
    outbox: Outbox | None = None

    def take_in(self, event: Event) -> None:
        self.waiting.append(event)
        if len(self.waiting) > QUEUE:
            self.missing.append(self.waiting.pop(0).sequence)

    def pending(self) -> list[Item]:
        gaps = [Gap(self.missing[0], self.missing[-1], len(self.missing))] if self.missing else []
        return [*gaps, *self.waiting]

    def take_out(self, count: int) -> None:
        if count > 0 and self.missing:
            self.missing, count = [], count - 1
        self.waiting = self.waiting[count:]


class AgainstLists(RuleBasedStateMachine):
    """The oldest event gives way when a queue is full; nobody acknowledges."""

    def __init__(self) -> None:
        super().__init__()
        self.ours = Registry(PARTITIONS, events_per_session_max=QUEUE)
        self.model: dict[int, Session] = {}
        self.sequence = self.delivered = self.abandoned = 0

    def teardown(self) -> None:
        self.ours.close()

    @rule(target=SESSIONS, partition=st.integers(0, PARTITIONS - 1))
    def connect(self, partition: int) -> int:
        session = self.ours.connect(partition)
        assert session not in self.model
        self.model[session] = Session(partition)
        return session

    @rule(target=ENDED, session=consumes(SESSIONS))
    def disconnect(self, session: int) -> int:
        assert self.ours.disconnect(session) == len(self.model[session].topics)
        ended = self.model.pop(session)
        if ended.outbox is not None:
            with pytest.raises(NoSuchSessionError):
                ended.outbox.next_batch()
            ended.outbox.close()
        return session

    @rule(session=ENDED)
    def know_no_ended_session(self, session: int) -> None:
        with pytest.raises(NoSuchSessionError):
            self.ours.writable(session)

    @rule(session=SESSIONS, topic=TOPICS)
    def subscribe(self, session: int, topic: int) -> None:
        topics = self.model[session].topics
        assert self.ours.subscribe(session, topic) == (self.sequence, topic not in topics)
        topics.add(topic)

    @rule(session=SESSIONS, topic=TOPICS)
    def unsubscribe(self, session: int, topic: int) -> None:
        topics = self.model[session].topics
        if topic in topics:
            self.ours.unsubscribe(session, topic)
            topics.remove(topic)
        else:
            with pytest.raises(NotSubscribedError):
                self.ours.unsubscribe(session, topic)

    @rule(session=SESSIONS, partition=st.integers(0, PARTITIONS - 1))
    def move(self, session: int, partition: int) -> None:
        moved = self.model[session]
        if moved.outbox is None or moved.partition == partition:
            self.ours.move(session, partition)
            moved.partition = partition
        else:
            with pytest.raises(BusyError):
                self.ours.move(session, partition)

    @rule(session=SESSIONS)
    def park(self, session: int) -> None:
        self.ours.park(session)
        self.model[session].parked = True

    @rule(session=SESSIONS)
    def resume(self, session: int) -> None:
        resumed = self.model[session]
        assert self.ours.resume(session) == (0, len(resumed.waiting))
        resumed.parked = resumed.lagging = False

    @rule(session=SESSIONS)
    def writable(self, session: int) -> None:
        self.ours.writable(session)
        self.model[session].lagging = False

    @rule(
        topics=st.sets(TOPICS),
        excluded=st.sets(SESSIONS),
        payload=st.binary(max_size=9),
        word=st.integers(0, 2**64 - 1),
    )
    def publish(self, topics: set[int], excluded: set[int], payload: bytes, word: int) -> None:
        audience = {
            session: known for session, known in self.model.items() if known.topics & topics and session not in excluded
        }
        assert self.ours.audience_count(topics, exclude=excluded) == len(audience)
        assert sorted(self.ours.audience(topics, exclude=excluded)) == sorted(audience)
        receipt = self.ours.publish(
            topics, payload, order_key=word, metadata=word, event_class=word % 64, exclude=excluded
        )
        self.sequence += 1
        assert (receipt.sequence, receipt.accepted) == (self.sequence, len(audience))
        for known in audience.values():
            known.take_in(Event(self.sequence, payload, word, word, word % 64))

    @rule(
        partition=st.integers(0, PARTITIONS - 1),
        rooms=st.lists(st.integers(0, 3) | st.none(), max_size=3),
        data=st.data(),
    )
    def drain(self, partition: int, rooms: Sequence[int | None], data: st.DataObject) -> None:
        expected = {
            session: known.pending()
            for session, known in self.model.items()
            if known.partition == partition
            and known.pending()
            and not (known.lagging or known.parked or known.outbox is not None)
        }
        failing = data.draw(st.sets(st.sampled_from(sorted(expected)), max_size=1)) if expected else set()
        offered: dict[int, list[Item]] = {}
        took: dict[int, int] = {}

        def deliver(session: int, items: Sequence[Item]) -> int | None:
            assert session not in offered
            room = rooms[len(offered)] if len(offered) < len(rooms) else None
            offered[session] = list(items)
            if session in failing:
                raise LookupError(session)
            took[session] = len(items) if room is None else min(room, len(items))
            return room

        try:
            failed, drained = set[int](), self.ours.drain(deliver, partition)
        except DeliveryError as error:
            failed, drained = set(error.sessions), error.drained
        assert (offered, failed) == (expected, failing)
        assert (drained.sessions, drained.items) == (len(offered), sum(took.values()))
        for session, items in offered.items():
            known = self.model[session]
            if session in failing:
                known.missing += [event.sequence for event in known.waiting]
                self.abandoned += len(known.waiting)
                known.waiting, known.lagging = [], True
            else:
                self.delivered += sum(isinstance(item, Event) for item in items[: took[session]])
                known.take_out(took[session])
                known.lagging = took[session] < len(items)

    @rule(session=SESSIONS)
    def open_outbox(self, session: int) -> None:
        known = self.model[session]
        if known.outbox is None:
            known.outbox = self.ours.outbox(session)
        else:
            with pytest.raises(BusyError):
                self.ours.outbox(session)

    @rule(session=SESSIONS, events_max=st.integers(1, QUEUE))
    def read(self, session: int, events_max: int) -> None:
        known = self.model[session]
        if known.outbox is not None:
            expected = [] if known.parked else known.pending()[: events_max + bool(known.missing)]
            assert known.outbox.next_batch(events_max) == expected
            self.delivered += sum(isinstance(item, Event) for item in expected)
            known.take_out(len(expected))

    @rule(session=SESSIONS)
    def close_outbox(self, session: int) -> None:
        known = self.model[session]
        if known.outbox is not None:
            known.outbox.close()
            known.outbox = None
            known.lagging = False

    @invariant()
    def they_count_alike(self) -> None:
        stats, accounting = self.ours.stats(), self.ours.accounting()
        assert (stats.published, stats.sessions) == (self.sequence, len(self.model))
        assert stats.subscriptions == sum(len(known.topics) for known in self.model.values())
        assert accounting.pending == sum(len(known.waiting) for known in self.model.values())
        assert (accounting.delivered, accounting.abandoned) == (self.delivered, self.abandoned)
        self.ours.validate()


TestAgainstLists = AgainstLists.TestCase
