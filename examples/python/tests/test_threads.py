"""Threads: a set, a registry and its readers may be used from all of them, and closed beside running calls."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from oyez import BusyError, Event, Gap, Item, NoSuchSessionError, Registry, ShutDownError, SortedSet

THREADS, ROUNDS = 8, 400


def all_at_once(*works: Callable[[int], Any]) -> list[Any]:
    """Does each of them on a thread of its own, with a number; what one raises is raised."""
    with ThreadPoolExecutor(len(works)) as pool:
        begin = threading.Barrier(len(works))

        def work(number: int) -> Any:
            begin.wait()
            return works[number](number)

        return [future.result() for future in [pool.submit(work, number) for number in range(len(works))]]


@pytest.mark.parametrize("of_key", [int, str])
def test_a_set_is_changed_and_read_by_many(of_key: type[Any]) -> None:
    ours: SortedSet[Any] = SortedSet(key_type=of_key)

    def change(number: int) -> int:
        added = 0
        for key in range(ROUNDS):
            mine, shared = of_key(number * ROUNDS + key), of_key(10**6 + key)
            ours.add(mine)
            added += ours.insert(shared).is_new
            if key % 3 == 0:
                assert ours.delete(mine) is not None
        ours.update(map(of_key, range(2 * 10**6, 2 * 10**6 + 50)))
        return added

    def read(_: int) -> int:
        for _ in range(ROUNDS // 4):
            keys = ours[:]
            assert all(one < other for one, other in pairwise(keys))
            assert len(ours.contains_many(keys)) == len(keys)
            with suppress(IndexError):
                ours.rank(ours[len(ours) // 2])
            with suppress(RuntimeError):
                for _ in ours:
                    pass
        return 0

    added = all_at_once(*[change] * THREADS, *[read] * 2)
    assert sum(added) == ROUNDS
    assert len(ours) == THREADS * (ROUNDS - len(range(0, ROUNDS, 3))) + ROUNDS + 50
    ours.validate()


def test_a_registry_is_used_by_many_and_loses_nothing() -> None:
    partitions, rooms = 3, 4
    with Registry(partitions, events_per_session_max=64) as registry:
        read: list[int] = []

        def publish(number: int) -> None:
            for at in range(ROUNDS):
                registry.publish([at % rooms, number % rooms], b"x" * (at % 50))

        def come_and_go(number: int) -> None:
            chance = random.Random(number)
            for _ in range(ROUNDS // 4):
                session = registry.connect(number % partitions)
                for room in range(rooms):
                    registry.subscribe(session, room)
                registry.audience_count(range(rooms))
                if chance.random() < 0.1:
                    with suppress(BusyError):  # a callback has it in hand
                        registry.move(session, chance.randrange(partitions))
                if chance.random() < 0.5:
                    with suppress(BusyError), registry.outbox(session) as outbox:
                        read.extend(item.sequence for batch in outbox for item in batch if isinstance(item, Event))
                if chance.random() < 0.7:
                    registry.disconnect(session)

        def serve(number: int) -> int:
            items = 0

            def deliver(session: int, batch: Sequence[Item]) -> int:
                nonlocal items
                sequences = [item.last if isinstance(item, Gap) else item.sequence for item in batch]
                assert sequences == sorted(sequences)
                took = len(batch) if session % 5 else 1
                items += sum(isinstance(item, Event) for item in batch[:took])
                slow.append(session)
                return took

            with registry.worker(number % partitions) as worker:
                while worker.wait():
                    slow: list[int] = []
                    worker.drain(deliver)
                    for session in slow:
                        with suppress(NoSuchSessionError):
                            registry.writable(session)
            return items

        with ThreadPoolExecutor(partitions) as servers:
            serving = [servers.submit(serve, number) for number in range(partitions)]
            all_at_once(publish, publish, come_and_go, come_and_go, come_and_go)
            registry.shut_down()
            taken = sum(server.result() for server in serving)
        accounting = registry.accounting()
        assert accounting.pending == 0
        assert accounting.delivered == taken + len(read)
        discarded = accounting.discarded_disconnect + accounting.discarded_overflow
        assert accounting.accepted == accounting.delivered + accounting.dropped + discarded
        registry.validate()


def until_closed(call: Callable[[], Any], called: threading.Semaphore) -> Callable[[int], str]:
    """Calls again and again, and returns what it is told in the end."""

    def run(_: int) -> str:
        while True:
            try:
                call()
            except (BusyError, ShutDownError):
                pass
            except ValueError as error:
                return str(error)
            finally:
                called.release()

    return run


@pytest.mark.parametrize("calls", [1, 2, 3, 5, 10, 20, 50, 100, 200])
def test_closing_is_safe_beside_running_calls(calls: int) -> None:
    registry, called = Registry(events_per_session_max=4), threading.Semaphore(0)
    sessions = [registry.connect() for _ in range(50)]
    for session in sessions:
        registry.subscribe(session, 1)
    worker, outbox = registry.worker(), registry.outbox(sessions[0])

    def close(_: int) -> str:
        for one in (outbox, worker, registry):
            for _ in range(calls):
                called.acquire()
            one.close()
        return "used after close()"

    running: list[Callable[[], Any]] = [
        lambda: registry.publish(1, b"x" * 100),
        lambda: registry.audience(1),
        lambda: worker.drain(lambda *_: None),
        worker.wait,
        outbox.next_batch,
    ]
    ends = all_at_once(*(until_closed(call, called) for call in running), close)
    assert set(ends) == {"used after close()"}
