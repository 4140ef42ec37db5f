"""Sessions, topics, audiences, publishing, windows; one behaviour a test."""

import gc
from array import array
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

import oyez
from oyez import (
    Accounting,
    BusyError,
    Event,
    Explained,
    Fate,
    FullError,
    Gap,
    NoSuchPartitionError,
    NoSuchSessionError,
    NotHandedOverError,
    NotSubscribedError,
    OverBudgetError,
    Overload,
    Receipt,
    Registry,
    Resumed,
    ShutDownError,
    Subscribed,
    TooLargeError,
    Verdict,
)

ROOM, HALL = 7, 8


def session_in(registry: Registry, *topics: int, partition: int = 0, window: int = 0) -> int:
    session = registry.connect(partition, window=window)
    for topic in topics:
        registry.subscribe(session, topic)
    return session


def test_an_event_reaches_who_is_subscribed() -> None:
    with Registry(partitions=2) as registry:
        ada, bob = session_in(registry, ROOM), session_in(registry, HALL, partition=1)
        receipt = registry.publish(ROOM, b"hello", order_key=1, metadata=2**64 - 1, event_class=63)
        assert receipt == Receipt(sequence=1, accepted=1, sessions_refused=0, refused=(), overflowed=())
        handed: dict[int, list[oyez.Item]] = {}
        for partition in range(2):
            registry.drain(lambda session, items: handed.update({session: list(items)}), partition)
        assert handed == {ada: [Event(1, b"hello", 1, 2**64 - 1, 63)]}
        assert registry.partition_of(bob) == 1


def test_topics_and_who_is_left_out_come_as_numbers_lists_and_arrays() -> None:
    with Registry() as registry:
        ada, bob, eve = session_in(registry, ROOM), session_in(registry, ROOM, HALL), session_in(registry, HALL)
        for topics in ([ROOM, HALL], (ROOM, HALL), {ROOM, HALL}, iter([ROOM, HALL]), array("Q", [ROOM, HALL])):
            assert sorted(registry.audience(topics)) == [ada, bob, eve]
        for excluded in (bob, [bob], array("Q", [bob])):
            assert registry.audience(ROOM, exclude=excluded).tolist() == [ada]
            assert registry.audience_count(ROOM, exclude=excluded) == 1
            assert registry.publish(ROOM, b"", exclude=excluded).accepted == 1
        assert registry.publish([ROOM, HALL], b"").accepted == 3
        assert registry.audience([]) == array("Q")
        assert registry.explain(bob, [HALL, ROOM]) == Explained(Verdict.INCLUDED, ROOM)
        assert registry.explain(ada, HALL) == Explained(Verdict.UNSUBSCRIBED, None)
        assert registry.explain(ada, ROOM, exclude=ada) == Explained(Verdict.EXCLUDED, None)
        many = [session_in(registry, 9) for _ in range(1000)]
        assert sorted(registry.audience(9)) == sorted(registry.audience([9])) == sorted(many)
        assert memoryview(registry.audience(9)).nbytes == 8000


def test_subscriptions_come_and_go() -> None:
    with Registry() as registry:
        ada = registry.connect()
        assert registry.subscribe(ada, ROOM) == Subscribed(0, True)
        registry.publish(ROOM, b"")
        assert registry.subscribe(ada, ROOM) == Subscribed(1, False)
        registry.subscribe(ada, 2**64 - 1)
        assert registry.topics_of(ada) == array("Q", [ROOM, 2**64 - 1])
        assert registry.subscribers(ROOM) == 1
        registry.unsubscribe(ada, ROOM)
        with pytest.raises(NotSubscribedError):
            registry.unsubscribe(ada, ROOM)
        with pytest.raises(NotSubscribedError):
            registry.unsubscribe_discarding(ada, ROOM)
        registry.publish(2**64 - 1, b"")
        assert registry.unsubscribe_discarding(ada, 2**64 - 1) == 1
        assert registry.disconnect(ada) == 0
        with pytest.raises(NoSuchSessionError, match=str(ada)):
            registry.disconnect(ada)


def test_a_stale_session_is_nobody_elses() -> None:
    with Registry() as registry:
        ada = session_in(registry, ROOM)
        registry.disconnect(ada)
        bob = session_in(registry, ROOM)
        assert ada != bob
        calls: list[Callable[[], object]] = [
            lambda: registry.disconnect(ada),
            lambda: registry.subscribe(ada, ROOM),
            lambda: registry.unsubscribe(ada, ROOM),
            lambda: registry.unsubscribe_discarding(ada, ROOM),
            lambda: registry.topics_of(ada),
            lambda: registry.partition_of(ada),
            lambda: registry.move(ada, 0),
            lambda: registry.park(ada),
            lambda: registry.resume(ada),
            lambda: registry.acknowledge(ada, 1),
            lambda: registry.writable(ada),
            lambda: registry.explain(ada, ROOM),
            lambda: registry.fate(ada, 1),
            lambda: registry.session_accounting(ada),
            lambda: registry.outbox(ada),
        ]
        for call in calls:
            with pytest.raises(NoSuchSessionError) as refused:
                call()
            assert isinstance(refused.value, LookupError)
            assert isinstance(refused.value, oyez.OyezError)
        assert registry.publish(ROOM, b"").accepted == 1
        registry.validate()


def test_a_payload_is_any_buffer() -> None:
    with Registry(payload_bytes_max=1000) as registry, registry.outbox(session_in(registry, ROOM)) as outbox:
        payloads = [b"", b"\0bytes", bytearray(b"array"), memoryview(b"view"), array("B", b"numbers"), b"x" * 1000]
        for payload in payloads:
            registry.publish(ROOM, payload)
        assert [event.payload for event in outbox.next_batch() if isinstance(event, Event)] == list(
            map(bytes, payloads)
        )
        changing = bytearray(b"before")
        registry.publish(ROOM, changing)
        changing[:] = b"after and longer"  # nobody holds it
        assert [event.payload for batch in outbox for event in batch if isinstance(event, Event)] == [b"before"]
        with pytest.raises(TooLargeError):
            registry.publish(ROOM, b"x" * 1001)
        for nonsense in ("text", 5, None, [b"x"]):
            with pytest.raises(TypeError):
                registry.publish(ROOM, nonsense)


def test_limits_are_kept() -> None:
    with Registry(sessions_per_partition_max=2, topics_per_session_max=1) as registry:
        ada = session_in(registry, ROOM)
        with pytest.raises(FullError):
            registry.subscribe(ada, HALL)
        registry.connect()
        with pytest.raises(FullError):
            registry.connect()
        with pytest.raises(NoSuchPartitionError):
            registry.connect(1)
    for partitions in (0, 2**16):
        with pytest.raises(ValueError, match="range"):
            Registry(partitions)
    wrong: list[dict[int, Any]] = [{0: 7}, {64: Overload.DISCONNECT}, {-1: Overload.DISCONNECT}]
    for overload in wrong:
        with pytest.raises(ValueError, match=r"class|range"):
            Registry(overload=overload)
    with Registry() as registry:
        with pytest.raises(ValueError, match="range"):
            registry.publish(ROOM, b"", event_class=64)
        for number in (-1, 2**64):
            with pytest.raises(OverflowError):
                registry.subscribe(registry.connect(), number)
            with pytest.raises(OverflowError):
                registry.publish(number, b"")
            with pytest.raises(OverflowError):
                registry.publish(ROOM, b"", metadata=number)
        assert registry.publish(ROOM, b"").sequence == 1


def test_what_gives_way_is_said_by_the_class() -> None:
    overload = {1: Overload.DROP_NEWEST, 2: Overload.DISCONNECT}
    with Registry(events_per_session_max=2, overload=overload) as registry:
        ada = session_in(registry, ROOM)
        for event_class in (0, 0, 0, 1):
            registry.publish(ROOM, b"", event_class=event_class)
        with registry.outbox(ada) as outbox:
            items = outbox.next_batch()
        assert [item if isinstance(item, Gap) else item.sequence for item in items] == [
            Gap(1, 1, 1),
            2,
            3,
            Gap(4, 4, 1),
        ]
        for _ in range(2):
            registry.publish(ROOM, b"")
        assert registry.publish(ROOM, b"", event_class=2).overflowed == (ada,)
        assert registry.stats().sessions == 0
        accounting = registry.accounting()
        assert (accounting.dropped, accounting.delivered, accounting.discarded_overflow) == (2, 2, 2)


def test_a_partition_over_its_budget_refuses() -> None:
    with Registry(partitions=2, bytes_per_partition_max=100_000, payload_bytes_max=100_000) as registry:
        ada = session_in(registry, ROOM, window=5)
        bob = session_in(registry, ROOM, partition=1)
        with registry.outbox(ada) as outbox:
            for size in (60_000, 30_000):
                registry.publish(ROOM, b"x" * size, exclude=bob)
                assert len(outbox.next_batch()) == 1  # kept until it is acknowledged
            receipt = registry.publish(ROOM, b"x" * 50_000)
            assert (receipt.accepted, receipt.refused, receipt.sessions_refused) == (1, (0,), 1)
            assert registry.fate(ada, receipt.sequence).fate is Fate.REFUSED
        with pytest.raises(OverBudgetError) as refused:
            registry.move(ada, 1)
        assert isinstance(refused.value, FullError)
        registry.validate()


def test_a_break_is_no_loss() -> None:
    with Registry() as registry:
        ada = session_in(registry, ROOM, window=2)
        for text in (b"a", b"b", b"c"):
            registry.publish(ROOM, text)
        with registry.outbox(ada) as outbox:
            assert len(outbox.next_batch()) == 2
            assert outbox.next_batch() == []  # the window is full
            with pytest.raises(NotHandedOverError):
                registry.acknowledge(ada, 3)
            assert registry.acknowledge(ada, 1) == 1
            registry.park(ada)
            assert registry.partition_stats().parked == 1
            assert outbox.next_batch() == []
            assert registry.resume(ada, 1) == Resumed(again=1, pending=1)
            payloads = [item.payload for batch in outbox for item in batch if isinstance(item, Event)]
            assert payloads == [b"b", b"c"]
        with pytest.raises(NotHandedOverError):
            registry.resume(ada, 9)


def test_fates_are_told() -> None:
    with Registry(events_per_session_max=2) as registry:
        ada = session_in(registry, ROOM)
        for _ in range(3):
            registry.publish(ROOM, b"")
        registry.publish(HALL, b"")
        fates = {sequence: registry.fate(ada, sequence) for sequence in range(1, 6)}
        assert fates[1] == (Fate.MISSED, None, Gap(1, 1, 1))
        assert fates[3] == (Fate.PENDING, 1, None)
        assert (fates[4].fate, fates[5].fate) == (Fate.NOT_ADDRESSED, Fate.NOT_PUBLISHED)
        inside: list[Fate] = []
        registry.drain(lambda session, _: inside.append(registry.fate(session, 3).fate))
        assert inside == [Fate.OFFERED]
        assert registry.fate(ada, 3).fate is Fate.HANDED_OVER


def test_sessions_move_and_partitions_are_dropped() -> None:
    with Registry(partitions=2) as registry:
        ada, bob = session_in(registry, ROOM), session_in(registry, ROOM)
        registry.publish(ROOM, b"")
        registry.move(ada, 1)
        assert (registry.partition_of(ada), registry.partition_of(bob)) == (1, 0)
        with registry.outbox(ada), pytest.raises(BusyError):
            registry.move(ada, 0)
        with pytest.raises(NoSuchPartitionError):
            registry.move(ada, 2)
        assert registry.drop_partition(0) == 1
        with pytest.raises(NoSuchPartitionError):
            registry.drop_partition(2)
        assert registry.accounting().discarded_partition_drop == 1
        assert registry.drain(lambda *_: None, 1).items == 1


def test_statistics_have_every_field_of_the_librarys() -> None:
    from oyez._native import ffi

    for kind, struct in (
        (oyez.Stats, "oyez_stats"),
        (oyez.PartitionStats, "oyez_partition_stats"),
        (Accounting, "oyez_accounting"),
    ):
        ours = [field.name for field in fields(kind)]
        assert ours == [name for name, _ in ffi.typeof(struct).fields if name != "struct_size"]
    with Registry(partitions=3) as registry:
        ada = session_in(registry, ROOM, HALL, partition=2)
        registry.publish(ROOM, b"four")
        stats = registry.stats()
        assert (stats.published, stats.sessions, stats.topics, stats.subscriptions, stats.partitions) == (1, 1, 2, 2, 3)
        assert (registry.partition_stats(2).sessions, registry.partition_stats().sessions) == (1, 0)
        assert registry.session_accounting(ada) == registry.accounting() == Accounting(1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
        with pytest.raises(NoSuchPartitionError):
            registry.partition_stats(3)


def test_after_the_end_nothing_comes_in_and_the_rest_goes_out() -> None:
    registry = Registry()
    ada = session_in(registry, ROOM)
    registry.publish(ROOM, b"last")
    assert registry.is_open
    registry.shut_down()
    registry.shut_down()
    assert not registry.is_open
    with pytest.raises(ShutDownError):
        registry.publish(ROOM, b"too late")
    assert registry.drain(lambda *_: None).items == 1
    registry.disconnect(ada)
    registry.close()


def test_a_closed_registry_is_a_value_error() -> None:
    registry = Registry()
    ada = session_in(registry, ROOM)
    outbox, worker = registry.outbox(ada), registry.worker()
    registry.publish(ROOM, b"kept")
    registry.close()
    registry.close()
    calls: list[Callable[[], Any]] = [
        registry.connect,
        registry.stats,
        registry.accounting,
        registry.partition_stats,
        registry.shut_down,
        registry.validate,
        registry.worker,
        lambda: registry.is_open,
        lambda: registry.drain(lambda *_: None),
        lambda: registry.publish(ROOM, b""),
        lambda: registry.audience(ROOM),
        lambda: registry.audience_count([ROOM]),
        lambda: registry.subscribers(ROOM),
        lambda: registry.drop_partition(0),
        lambda: registry.move(ada, 0),
        *(
            lambda call=call: call(ada)
            for call in (
                registry.disconnect,
                registry.topics_of,
                registry.partition_of,
                registry.park,
                registry.resume,
                registry.writable,
                registry.session_accounting,
                registry.outbox,
            )
        ),
        *(
            lambda call=call: call(ada, 1)
            for call in (
                registry.subscribe,
                registry.unsubscribe,
                registry.unsubscribe_discarding,
                registry.acknowledge,
                registry.explain,
                registry.fate,
            )
        ),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"used after close\(\)") as refused:
            call()
        assert type(refused.value) is ValueError
    with outbox, worker:  # which have outlived it
        assert [event.payload for batch in outbox for event in batch if isinstance(event, Event)] == [b"kept"]
        assert worker.drain(lambda *_: None).items == 0


def test_what_is_not_closed_is_freed_with_its_last_reference() -> None:
    registry = Registry()
    ada = session_in(registry, ROOM)
    registry.worker()
    registry.outbox(ada)
    gc.collect()
    registry.worker().close()
    registry.outbox(ada).close()
