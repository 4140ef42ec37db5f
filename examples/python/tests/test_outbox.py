"""Reading one session's events."""

import pytest

from oyez import BusyError, Event, Gap, NoSuchSessionError, Registry

ROOM = 7


def session_in(registry: Registry) -> int:
    session = registry.connect()
    registry.subscribe(session, ROOM)
    return session


def test_a_batch_has_gaps_in_their_places() -> None:
    with Registry(events_per_session_max=2) as registry:
        ada = session_in(registry)
        with registry.outbox(ada) as outbox:
            assert outbox.session == ada
            assert outbox.next_batch() == []
            for text in (b"a", b"b", b"c", b"d"):
                registry.publish(ROOM, text)
            first = outbox.next_batch(1)
            assert first == [Gap(1, 2, 2), Event(3, b"c", 0, 0, 0)]
            assert list(outbox) == [[Event(4, b"d", 0, 0, 0)]]
            assert first[1] == Event(3, b"c", 0, 0, 0)  # its own, whatever has been read since
        assert registry.accounting().dropped == 2


def test_iterating_stops_anywhere_and_loses_nothing() -> None:
    with Registry() as registry, registry.outbox(session_in(registry)) as outbox:
        got = []
        for round_of in range(3):
            registry.publish(ROOM, bytes([round_of]))
            for batch in outbox:
                got += [event.payload for event in batch if isinstance(event, Event)]
                break
        assert got == [b"\0", b"\1", b"\2"]
        assert list(outbox) == []


def test_the_worker_passes_the_session_by_until_it_is_closed() -> None:
    with Registry() as registry:
        ada = session_in(registry)
        outbox = registry.outbox(ada)
        with pytest.raises(BusyError):
            registry.outbox(ada)
        registry.publish(ROOM, b"x")
        assert registry.drain(lambda *_: None).items == 0
        outbox.close()
        outbox.close()
        with pytest.raises(ValueError, match=r"used after close\(\)"):
            outbox.next_batch()
        assert outbox.session == ada
        assert registry.drain(lambda *_: None).items == 1


def test_a_session_that_ends_ends_its_outbox() -> None:
    with Registry() as registry:
        ada = session_in(registry)
        with registry.outbox(ada) as outbox:
            registry.publish(ROOM, b"x")
            registry.disconnect(ada)
            with pytest.raises(NoSuchSessionError, match=f"session {ada} has ended"):
                outbox.next_batch()
