"""What a call through the door costs: nanoseconds, the least of several rounds."""

import sys
from collections.abc import Callable
from time import perf_counter_ns

from oyez import Registry, SortedSet
from oyez._native import lib

ROUNDS, CALLS, MANY, KEYS = 9, 20_000, 1000, 1_000_000
ROOM = 7


def measure(name: str, call: Callable[[], object], calls: int = CALLS, units: int = 1) -> None:
    """The least that one of `units` costs, of which each call has so many, without the loop around them."""
    least = sys.float_info.max
    for _ in range(ROUNDS):
        started = perf_counter_ns()
        for _ in range(calls):
            call()
        least = min(least, (perf_counter_ns() - started) / calls / units)
    print(f"cost {name:44} {least:8.1f} ns")


def sets() -> None:
    numbers = list(range(0, 2 * KEYS, 2))
    scores, names = SortedSet(numbers), SortedSet(f"name {number}" for number in range(KEYS // 10))
    measure("rank, in a set of 1M integers", lambda: scores.rank(KEYS))
    measure("select", lambda: scores.select(KEYS // 2))
    measure("insert and delete", lambda: (scores.insert(KEYS + 1), scores.delete(KEYS + 1)))
    measure("rank, in a set of 100k texts", lambda: names.rank("name 50000"))
    measure("a slice of 1,000, a key", lambda: scores[1000 : 1000 + MANY], CALLS // MANY, MANY)
    measure("a slice of 1,000 texts, a key", lambda: names[1000 : 1000 + MANY], CALLS // MANY, MANY)
    measure("an iteration, a key", lambda: list(scores), 1, KEYS)
    measure("an array of all, a key", scores.to_array, 1, KEYS)
    measure("a set from a list in order, a key", lambda: SortedSet(numbers), 1, KEYS)


def delivery() -> None:
    with Registry(events_per_session_max=CALLS) as registry:
        session = registry.connect()
        registry.subscribe(session, ROOM)
        measure("publish, with its receipt", lambda: registry.publish(ROOM, b"hello"))
    for events in (1, 8):
        with Registry() as registry, registry.worker() as worker:
            for _ in range(MANY):
                registry.subscribe(registry.connect(), ROOM)

            def serve(events: int = events, registry: Registry = registry) -> None:
                for _ in range(events):
                    registry.publish(ROOM, b"hello")
                assert worker.drain(lambda *_: None).items == events * MANY

            measure(f"a drain of {events} for each of 1,000, an event", serve, 10, events * MANY)
    with Registry(events_per_session_max=MANY) as registry:
        session = registry.connect()
        registry.subscribe(session, ROOM)
        with registry.outbox(session) as outbox:

            def read() -> None:
                for _ in range(MANY):
                    registry.publish(ROOM, b"hello")
                assert sum(map(len, outbox)) == MANY

            measure("publish, and read through an outbox, an event", read, 3, MANY)


if __name__ == "__main__":
    measure("nothing: the loop of this measurement", lambda: None)
    measure("oyez_abi_version", lib.oyez_abi_version)
    sets()
    delivery()
