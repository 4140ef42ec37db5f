"""Draining by callback, what callbacks raise, and waiting."""

import asyncio
import gc
import signal
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from oyez import (
    BusyError,
    DeliveryError,
    Drained,
    Event,
    Gap,
    Item,
    NoSuchPartitionError,
    OnFailure,
    Overload,
    Readiness,
    Registry,
)

ROOM = 7


def sessions_in(registry: Registry, count: int) -> list[int]:
    sessions = [registry.connect() for _ in range(count)]
    for session in sessions:
        registry.subscribe(session, ROOM)
    return sessions


def take_all(_: int, __: Sequence[Item]) -> None:
    pass


def fail(_: int, __: Sequence[Item]) -> None:
    raise LookupError("a host's bug")


def test_what_is_taken_is_booked_and_what_is_not_stays() -> None:
    with Registry() as registry, registry.worker() as worker:
        (ada,) = sessions_in(registry, 1)
        registry.publish(ROOM, b"a")
        registry.publish(ROOM, b"b")
        offered: list[list[bytes]] = []

        def take_one(_: int, items: Sequence[Item]) -> int:
            offered.append([item.payload for item in items if isinstance(item, Event)])
            return 1

        assert worker.drain(take_one) == Drained(sessions=1, items=1, ready=0, overflowed=())
        assert worker.drain(take_one).sessions == 0  # lagging
        registry.writable(ada)
        assert worker.drain(lambda *_: 2**70).items == 1  # more than all means all
        assert offered == [[b"a", b"b"]]
        assert registry.accounting().delivered == 2


def test_a_drain_goes_as_far_as_it_is_asked() -> None:
    with Registry() as registry, registry.worker() as worker:
        sessions_in(registry, 100)
        registry.publish(ROOM, b"")
        drained = worker.drain(take_all, 30)
        assert (drained.sessions, drained.items, drained.ready > 0) == (30, 30, True)
        assert worker.drain(take_all) == Drained(70, 70, 0, ())


def test_an_event_for_many_is_one_object() -> None:
    with Registry() as registry:
        sessions_in(registry, 100)
        registry.publish(ROOM, b"x" * 100)
        events: list[Item] = []
        registry.drain(lambda _, items: events.extend(items))
        assert len(events) == 100
        assert len(set(map(id, events))) == 1


def test_what_a_callback_raises_reaches_the_caller_when_all_were_served() -> None:
    with Registry() as registry, registry.worker() as worker:
        ada, bob, eve = sessions_in(registry, 3)
        registry.publish(ROOM, b"x")
        served: list[int] = []

        def deliver(session: int, _: Sequence[Item]) -> None:
            if session != bob:
                raise KeyError(session)
            served.append(session)

        with pytest.raises(DeliveryError) as failed:
            worker.drain(deliver)
        error = failed.value
        assert served == [bob]
        assert error.sessions == (ada, eve)
        assert [(type(one), one.args) for one in error.exceptions] == [(KeyError, (ada,)), (KeyError, (eve,))]
        assert error.exceptions[0].__traceback__ is not None
        assert error.drained == Drained(sessions=3, items=1, ready=0, overflowed=())
        assert error.subgroup(KeyError) is not None
        assert registry.accounting().abandoned == 2
        assert registry.partition_stats().panics == 2
        for session in (ada, eve):  # they lag, and are told what they did not get
            registry.writable(session)
        told: dict[int, Sequence[Item]] = {}
        worker.drain(lambda session, items: told.update({session: items}))
        assert told == {ada: [Gap(1, 1, 1)], eve: [Gap(1, 1, 1)]}
        registry.validate()


def test_or_the_batch_comes_again() -> None:
    with Registry(on_failure=OnFailure.KEEP) as registry, registry.worker() as worker:
        (ada,) = sessions_in(registry, 1)
        registry.publish(ROOM, b"x")
        for _ in range(2):
            with pytest.raises(DeliveryError, match="raised"):
                worker.drain(fail)
            registry.writable(ada)
        assert registry.accounting().pending == 1
        assert worker.drain(take_all).items == 1


@pytest.mark.parametrize("wrong", [True, -1, 1.0, "all", b"1"])
def test_an_answer_that_is_no_number_is_an_error(wrong: Any) -> None:
    with Registry(on_failure=OnFailure.KEEP) as registry, registry.worker() as worker:
        (ada,) = sessions_in(registry, 1)
        registry.publish(ROOM, b"x")
        with pytest.raises(DeliveryError) as failed:
            worker.drain(lambda *_: wrong)
        assert isinstance(failed.value.exceptions[0], TypeError)
        registry.writable(ada)
        assert worker.drain(take_all).items == 1


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interruption_ends_the_drain_and_loses_nothing(interruption: type[BaseException]) -> None:
    with Registry() as registry, registry.worker() as worker:
        ada, bob, eve, _ = sessions_in(registry, 4)
        registry.publish(ROOM, b"x")

        def deliver(session: int, _: Sequence[Item]) -> None:
            if session == ada:
                raise ValueError("an error before")
            if session == eve:
                registry.disconnect(ada)
                raise interruption

        with pytest.raises(interruption) as ended:
            worker.drain(deliver)
        assert isinstance(ended.value.__cause__, DeliveryError)
        assert ended.value.__cause__.sessions == (ada,)
        accounting = registry.accounting()
        assert (accounting.delivered, accounting.abandoned, accounting.pending) == (1, 1, 2)
        again: list[int] = []
        worker.drain(lambda session, _: again.append(session))
        assert bob not in again
        assert len(again) == 2


def test_a_signal_ends_a_drain_at_any_moment() -> None:
    with Registry() as registry, registry.worker() as worker:
        sessions_in(registry, 2000)
        delivered = 0
        for delay in range(5):
            registry.publish(ROOM, b"x")
            signal.setitimer(signal.ITIMER_REAL, 0.0005 * (delay + 1))
            handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
            gc.disable()  # what runs in a collection cannot pass on an interruption
            try:
                while worker.drain(take_all).items:
                    pass
                time.sleep(0.01)
            except KeyboardInterrupt:
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, handler)
                gc.enable()
            while worker.drain(take_all).items:
                pass
            delivered += 2000
            accounting = registry.accounting()
            assert (accounting.delivered, accounting.pending, accounting.abandoned) == (delivered, 0, 0)


def test_a_callback_may_call_the_registry_but_not_the_worker() -> None:
    with Registry() as registry, registry.worker() as worker:
        ada, bob = sessions_in(registry, 2)
        registry.publish(ROOM, b"x")
        refused: list[type[BaseException]] = []

        def deliver(session: int, _: Sequence[Item]) -> None:
            for call in (lambda: worker.drain(take_all), lambda: worker.wait(0), lambda: worker.poll(print)):
                try:
                    call()
                except BusyError as error:
                    refused.append(type(error))
            if session == ada:
                registry.publish(ROOM, b"y", exclude=ada)
                registry.disconnect(ada)

        assert worker.drain(deliver).sessions == 2
        assert refused == [BusyError] * 6
        assert registry.session_accounting(bob).pending == 1


def test_a_worker_may_be_closed_within_its_callback() -> None:
    with Registry() as registry:
        worker = registry.worker()
        sessions_in(registry, 2)
        registry.publish(ROOM, b"x")
        assert worker.drain(lambda *_: worker.close()).items == 2
        with pytest.raises(ValueError, match=r"used after close\(\)"):
            worker.drain(take_all)
        for call in (worker.wait, lambda: worker.poll(lambda: None)):
            with pytest.raises(ValueError, match=r"used after close\(\)"):
                call()
        registry.worker().close()


def test_a_partition_has_one_worker() -> None:
    with Registry(partitions=2) as registry:
        with registry.worker(1) as worker:
            assert worker.partition == 1
            with pytest.raises(BusyError):
                registry.worker(1)
            with pytest.raises(BusyError):
                registry.drain(take_all, 1)
        registry.worker(1).close()
        with pytest.raises(NoSuchPartitionError):
            registry.worker(2)


def test_a_drain_that_raises_leaves_its_worker_closed() -> None:
    with Registry() as registry:
        sessions_in(registry, 1)
        registry.publish(ROOM, b"x")
        with pytest.raises(DeliveryError) as kept:
            registry.drain(fail)
        registry.worker().close()  # though the error and its frames live
        assert kept.value.sessions


def test_who_ends_in_a_drain_is_named() -> None:
    with Registry(events_per_session_max=1, overload={5: Overload.DISCONNECT}) as registry:
        sessions = sessions_in(registry, 100)
        with registry.worker() as worker:
            registry.publish(ROOM, b"", event_class=5)
            worker.drain(lambda *_: 0)  # all of them are lagging
            registry.publish(ROOM, b"", event_class=5)
            assert sorted(worker.drain(take_all).overflowed) == sorted(sessions)
            assert worker.drain(take_all).overflowed == ()


def test_waiting_ends_with_an_event_a_limit_or_the_end() -> None:
    with Registry() as registry, registry.worker() as worker:
        sessions_in(registry, 1)
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"0\.05"):
            worker.wait(0.05)
        assert time.monotonic() - started >= 0.05
        later = threading.Timer(0.05, registry.publish, [ROOM, b"x"])
        later.start()
        assert worker.wait(30)
        assert worker.drain(take_all).items == 1
        later.join()
        later = threading.Timer(0.05, registry.shut_down)
        later.start()
        assert not worker.wait()
        later.join()
        assert worker.poll(lambda: None) is Readiness.CLOSED


def test_one_waits_at_once_and_closing_wakes_it() -> None:
    with Registry() as registry:
        sessions_in(registry, 1)
        worker = registry.worker()
        failures: list[BaseException] = []

        def wait() -> None:
            try:
                worker.wait()
            except ValueError as error:
                failures.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while True:  # until it waits
            try:
                worker.poll(int)
            except BusyError:
                break
        while True:  # now and then it looks whether there is something; beside its waiting, others may drain
            try:
                worker.drain(take_all)
            except BusyError:
                continue
            break
        worker.close()
        waiting.join(30)
        assert not waiting.is_alive()
        assert "used after close()" in str(failures[0])


def test_a_poll_wakes_exactly_once() -> None:
    with Registry() as registry:
        sessions_in(registry, 1)
        rung: list[str] = []
        with registry.worker() as worker:
            assert worker.poll(lambda: rung.append("first")) is Readiness.PENDING
            assert worker.poll(lambda: rung.append("second")) is Readiness.PENDING
            assert rung == ["first"]  # the second took its place
            registry.publish(ROOM, b"x")
            registry.publish(ROOM, b"x")
            assert rung == ["first", "second"]
            assert worker.poll(lambda: rung.append("at once")) is Readiness.READY
            assert rung == ["first", "second", "at once"]
            worker.drain(take_all)
            assert worker.poll(lambda: rung.append("last")) is Readiness.PENDING
        assert rung[3:] == ["last"]


def test_a_wake_that_raises_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    with Registry() as registry, registry.worker() as worker:
        sessions_in(registry, 1)
        assert worker.poll(lambda: 1 / 0) is Readiness.PENDING
        registry.publish(ROOM, b"x")
        assert [one.exc_type for one in seen] == [ZeroDivisionError]
        assert worker.drain(take_all).items == 1


def test_an_event_loop_is_woken() -> None:
    async def serve(registry: Registry) -> int:
        loop, items = asyncio.get_running_loop(), 0
        with registry.worker() as worker:
            while True:
                ready = asyncio.Event()
                readiness = worker.poll(partial(loop.call_soon_threadsafe, ready.set))
                if readiness is Readiness.CLOSED:
                    return items
                await ready.wait()
                items += worker.drain(take_all).items

    def publish(registry: Registry) -> None:
        for _ in range(100):
            registry.publish(ROOM, b"x")
        registry.shut_down()

    with Registry() as registry:
        sessions_in(registry, 3)
        publisher = threading.Thread(target=publish, args=[registry])
        publisher.start()
        assert asyncio.run(asyncio.wait_for(serve(registry), 60)) == 300
        publisher.join()
