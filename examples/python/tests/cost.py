"""What a call through the door costs: nanoseconds, the least of nine rounds, or of so many; beside sortedcontainers."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from time import perf_counter_ns
from typing import Any

import sortedcontainers

from oyez import Registry, SortedSet
from oyez._native import lib

CALLS, MANY, KEYS = 50_000, 1000, 1_000_000
ROOM = 7
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 9


def measure(
    name: str,
    call: Callable[[], object],
    calls: int = CALLS,
    units: int = 1,
    before: Callable[[], object] = lambda: None,
) -> None:
    """The least that one of `units` costs, of which each call has so many; what is done before a round is not timed."""
    least = sys.float_info.max
    for _ in range(ROUNDS):
        before()
        started = perf_counter_ns()
        for _ in range(calls):
            call()
        least = min(least, (perf_counter_ns() - started) / calls / units)
    print(f"cost {name:54} {least:8.1f} ns")


def for_each(call: Callable[[Any], object], keys: Sequence[object]) -> None:
    for key in keys:
        call(key)


def sets() -> None:
    numbers = list(range(0, 2 * KEYS, 2))
    keys = Random(1).sample(numbers, CALLS)  # all over the set, which is larger than a cache
    ranks, others = [key // 2 for key in keys], [key + 1 for key in keys]
    contenders: list[tuple[str, Callable[..., Any]]] = [
        ("", SortedSet),
        (", sortedcontainers", sortedcontainers.SortedSet),
    ]
    for whose, make in contenders:
        one = make(numbers)

        def add_and_discard(key: int, one: Any = one) -> None:
            one.add(key)
            one.discard(key)

        measure(f"rank, in a set of 1M integers{whose}", partial(for_each, one.bisect_left, keys), 1, CALLS)
        measure(f"select{whose}", partial(for_each, one.__getitem__, ranks), 1, CALLS)
        measure(f"add and discard{whose}", partial(for_each, add_and_discard, others), 1, CALLS)
        measure(f"a slice of 1,000, a key{whose}", partial(one.__getitem__, slice(1000, 1000 + MANY)), 20, MANY)
        measure(f"an iteration, a key{whose}", partial(deque, one, 0), 1, KEYS)
        measure(f"a set from a list in order, a key{whose}", partial(make, numbers), 1, KEYS)
    measure("an array of all, a key", SortedSet(numbers).to_array, 1, KEYS)
    names = SortedSet(f"name {number}" for number in range(KEYS // 10))
    texts = [f"name {rank // 10}" for rank in ranks]
    measure("rank, in a set of 100k texts", partial(for_each, names.bisect_left, texts), 1, CALLS)
    measure("a slice of 1,000 texts, a key", partial(names.__getitem__, slice(1000, 1000 + MANY)), 20, MANY)


def delivery() -> None:
    with Registry(events_per_session_max=MANY) as registry:
        session = registry.connect()
        registry.subscribe(session, ROOM)
        measure("publish, with its receipt", lambda: registry.publish(ROOM, b"hello"))
    for events in (1, 8):
        with Registry() as registry, registry.worker() as worker:
            for _ in range(MANY):
                registry.subscribe(registry.connect(), ROOM)
            publish = partial(publish_to, registry, events)
            drain = partial(worker.drain, lambda *_: None)
            measure(f"a drain of {events} for each of 1,000, an event", drain, 1, events * MANY, publish)
            assert registry.accounting().delivered == ROUNDS * events * MANY
    with Registry(events_per_session_max=MANY) as registry:
        session = registry.connect()
        registry.subscribe(session, ROOM)
        with registry.outbox(session) as outbox:
            measure("reading an outbox, an event", outbox.next_batch, 1, MANY, partial(publish_to, registry, MANY))
        assert registry.accounting().delivered == ROUNDS * MANY


def publish_to(registry: Registry, events: int) -> None:
    for number in range(events):
        registry.publish(ROOM, b"hello", metadata=number)


if __name__ == "__main__":
    measure("nothing: the loop of this measurement", lambda: None)
    measure("oyez_abi_version", lib.oyez_abi_version)
    sets()
    delivery()
