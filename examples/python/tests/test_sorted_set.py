"""Sorted sets, one behaviour a test."""

import copy
import gc
import math
import pickle
import sys
from array import array
from collections.abc import Iterator, MutableSet
from itertools import count
from typing import Any

import pytest
import sortedcontainers

from oyez import Inserted, SortedSet


def test_every_key_has_a_rank_and_mutations_tell_it() -> None:
    scores = SortedSet([30, 10])
    assert scores.insert(20) == Inserted(rank=1, is_new=True)
    assert scores.insert(20) == Inserted(rank=1, is_new=False)
    assert [scores.rank(key) for key in (10, 20, 30, 40)] == [0, 1, 2, None]
    assert [scores.select(rank) for rank in range(3)] == [10, 20, 30]
    assert scores.delete(20) == 1
    assert scores.delete(20) is None
    assert list(scores) == [10, 30]


@pytest.mark.parametrize(
    "keys",
    [
        [-(2**63), -1, 0, 1, 2**63 - 1],
        [-math.inf, -1.5, -sys.float_info.min, 0.0, 5e-324, 1.5, math.inf],
        ["", "\x00", "a", "a\x00", "aa", "é", "\ud800", "\uffff", "\U0001f600"],
        [b"", b"\x00", b"a", b"a\x00", b"aa", b"\xff", b"\xff\xff"],
    ],
)
def test_keys_of_each_type_stand_in_their_order_and_come_back(keys: list[Any]) -> None:
    one_by_one: SortedSet[Any] = SortedSet()
    for key in reversed(keys):
        one_by_one.add(key)
    at_once = SortedSet(keys[::2] + keys)
    for keys_in_order in (one_by_one, at_once):
        assert list(keys_in_order) == keys
        assert list(map(type, keys_in_order)) == [type(keys[0])] * len(keys)
        assert [keys_in_order[rank] for rank in range(len(keys))] == keys
        assert [keys_in_order.rank(key) for key in keys] == list(range(len(keys)))
        assert keys_in_order.contains_many(keys) == b"\1" * len(keys)
        assert keys_in_order.key_type is type(keys[0])
        keys_in_order.validate()


def test_it_has_everything_of_sortedcontainers_but_an_order_by_a_function() -> None:
    theirs = {name for name in dir(sortedcontainers.SortedSet([1])) if not name.startswith("_")}
    assert theirs - set(dir(SortedSet)) == {"key"}
    mine = SortedSet(range(10))
    other = sortedcontainers.SortedSet(range(10))
    for name, arguments in (
        ("irange", (2, 7, (False, True), True)),
        ("islice", (2, -1, True)),
        ("bisect", (5,)),
        ("index", (5, 1, -1)),
        ("count", (11,)),
    ):
        ours, expected = getattr(mine, name)(*arguments), getattr(other, name)(*arguments)
        if isinstance(ours, Iterator):
            ours, expected = list(ours), list(expected)
        assert ours == expected, name
    assert repr(mine) == repr(other)


def test_a_set_has_keys_of_one_type() -> None:
    scores: SortedSet[Any] = SortedSet([1])
    for call in (scores.add, scores.insert, scores.discard, scores.remove, scores.rank, scores.bisect_left):
        for key in ("1", b"1", 1.0, True, None):
            with pytest.raises(TypeError):
                call(key)
    for keys in (["1"], [2, "1"], [True], [1.5], SortedSet("a"), array("d", [1.5])):
        with pytest.raises(TypeError):
            scores.update(keys)
    assert list(scores) == [1]
    assert "1" not in scores
    assert True not in scores
    with pytest.raises(TypeError, match="int, float, str or bytes"):
        SortedSet([None])  # type: ignore[type-var]
    with pytest.raises(TypeError, match="int, float, str or bytes"):
        SortedSet(key_type=bool)
    for texts in (SortedSet("b"), SortedSet(key_type=str)):
        with pytest.raises(TypeError, match="str, not int"):
            texts.add(1)  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused() -> None:
    scores = SortedSet([1])
    for key in (2**63, -(2**63) - 1, 10**30):
        for call in (scores.add, scores.discard, scores.rank, scores.bisect_right):
            with pytest.raises(OverflowError, match=str(key)):
                call(key)
        with pytest.raises(OverflowError, match=str(key)):
            scores.update([2, key])
        assert key not in scores
    assert list(scores) == [1]
    prices = SortedSet([1.5])
    with pytest.raises(ValueError, match="NaN"):
        prices.add(math.nan)
    with pytest.raises(ValueError, match="NaN"):
        prices.update([2.5, math.nan])
    nan = math.nan
    assert nan not in prices
    assert list(prices) == [1.5]


def test_zeros_are_one_key() -> None:
    for keys in ([0.0, -0.0], [-0.0, 0.0], array("d", [-0.0])):
        zeros = SortedSet(keys)
        assert (len(zeros), math.copysign(1, zeros[0])) == (1, 1)
        assert 0.0 in zeros
        assert -0.0 in zeros


def test_an_empty_set_has_no_type_and_answers_everything() -> None:
    empty: SortedSet[int] = SortedSet()
    assert empty.key_type is None
    assert (len(empty), list(empty), list(reversed(empty)), empty[:], list(empty.irange(1, 2))) == (0, [], [], [], [])
    assert (empty.rank(1), empty.delete(1), empty.bisect(1), empty.count(1), 1 in empty) == (None, None, 0, 0, False)
    assert (empty.contains_many([1, 2]), empty == set(), repr(empty), bool(empty)) == (
        b"\0\0",
        True,
        "SortedSet([])",
        False,
    )
    with pytest.raises(IndexError):
        empty.pop()
    with pytest.raises(IndexError):
        empty.select(0)
    with pytest.raises(KeyError):
        empty.remove(1)
    with pytest.raises(ValueError, match="1 is not in"):
        empty.index(1)
    empty.clear()
    empty.discard(1)
    empty.update([], iter(()))
    assert empty.key_type is None
    empty.add(1)
    assert empty.key_type is int


def test_a_first_key_that_is_refused_says_no_type() -> None:
    keys: SortedSet[Any] = SortedSet()
    for refused in (2**64, float("nan"), True, None):
        with pytest.raises((OverflowError, ValueError, TypeError)):
            keys.add(refused)
        with pytest.raises((OverflowError, ValueError, TypeError)):
            keys.update([refused])
    with pytest.raises(TypeError):
        keys.update([1, "text"])
    assert keys.key_type is None
    keys.add("text")
    assert keys.key_type is str


def test_it_is_indexed_and_sliced_as_a_list() -> None:
    keys = list(range(0, 3000, 3))
    scores = SortedSet(keys)
    for at in (0, 1, 999, -1, -1000):
        assert scores[at] == keys[at]
    for at in (1000, -1001, 2**63, 2**70, -(2**70)):
        with pytest.raises(IndexError):
            scores[at]
        with pytest.raises(IndexError):
            scores.pop(at)
    for rank in (-1, 1000, 2**64):
        with pytest.raises(IndexError, match=f"no key has rank {rank}"):
            SortedSet("text").select(rank)
        with pytest.raises(IndexError, match=f"no key has rank {rank}"):
            scores.select(rank)
    bounds = (None, 0, 7, 998, 1000, 2000, -1, -999, -2000)
    for start in bounds:
        for stop in bounds:
            for step in (None, 1, 2, 7, -1, -3):
                assert scores[start:stop:step] == keys[start:stop:step], (start, stop, step)
            assert list(scores.islice(start, stop)) == keys[start:stop]
            assert list(scores.islice(start, stop, reverse=True)) == keys[start:stop][::-1]
            assert scores.to_array(start, stop) == array("q", keys[start:stop])
    del scores[10:20]
    del scores[-1]
    del keys[10:20]
    del keys[-1]
    assert list(scores) == keys
    with pytest.raises(IndexError):
        del scores[5000]


def test_pop_takes_the_last_or_the_one_of_a_rank() -> None:
    names = SortedSet(["c", "a", "b", "d"])
    assert [names.pop(), names.pop(0), names.pop(-2), names.pop(0)] == ["d", "a", "b", "c"]
    with pytest.raises(IndexError):
        names.pop()


def test_ranges_include_their_ends_or_not() -> None:
    scores = SortedSet(range(0, 100, 10))
    assert list(scores.irange(20, 40)) == [20, 30, 40]
    assert list(scores.irange(15, 45, reverse=True)) == [40, 30, 20]
    assert list(scores.irange(20, 40, inclusive=(False, False))) == [30]
    assert list(scores.irange(20, 40, inclusive=(False, True))) == [30, 40]
    assert list(scores.irange(maximum=10)) == [0, 10]
    assert list(scores.irange(90)) == [90]
    assert list(scores.irange(40, 20)) == []
    assert (scores.bisect_left(20), scores.bisect_right(20), scores.bisect(25), scores.bisect_left(1000)) == (
        2,
        3,
        3,
        10,
    )


def test_index_looks_between_its_limits() -> None:
    scores = SortedSet([10, 20, 30])
    assert (scores.index(20), scores.index(20, 1), scores.index(20, -2, -1), scores.count(20)) == (1, 1, 1, 1)
    for limits in ((2,), (0, 1), (-1,)):
        with pytest.raises(ValueError, match="20 is not in"):
            scores.index(20, *limits)


def test_an_iteration_ends_when_the_set_changes() -> None:
    scores = SortedSet(range(2000))
    iteration = iter(scores)
    assert next(iteration) == 0
    scores.add(1)  # which is there
    scores.discard(5000)
    assert next(iteration) == 1
    scores.discard(2)
    with pytest.raises(RuntimeError, match="changed"):
        next(iteration)
    started = reversed(scores)
    scores.add(2)
    with pytest.raises(RuntimeError, match="changed"):
        next(started)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("count", [1, 512, 513, 1000])
def test_an_iteration_does_not_end_silently_where_keys_are_read(count: int, reverse: bool) -> None:
    """They are read 512 at a time: behind those, a set that was cleared has none."""
    scores = SortedSet(range(count))
    iteration = scores.islice(reverse=reverse)
    for _ in range(min(count, 512)):
        next(iteration)
    scores.clear()
    with pytest.raises(RuntimeError, match="changed during an iteration"):
        next(iteration)


def test_buffers_go_in_and_out() -> None:
    numbers = array("q", [3, -1, 2, 3, -(2**63)])
    for keys in (numbers, memoryview(numbers), memoryview(numbers).cast("B").cast("q")):
        scores = SortedSet(keys)
        assert scores.to_array() == array("q", [-(2**63), -1, 2, 3])
        assert scores.contains_many(array("q", [2, 4])) == b"\1\0"
    scores.update(array("q", [5]), array("q"))
    assert memoryview(scores.to_array(-2)).tolist() == [3, 5]
    prices = SortedSet(array("d", [2.5, -1.5, -math.inf]))
    assert prices.to_array() == array("d", [-math.inf, -1.5, 2.5])
    assert list(SortedSet(b"ba")) == [97, 98]  # as set(b"ba")
    assert list(SortedSet(array("i", [2, 1]))) == [1, 2]
    with pytest.raises(TypeError, match="integers or floats"):
        SortedSet("a").to_array()


def test_many_keys_in_order_or_not() -> None:
    for keys in (range(100_000), range(100_000, 0, -1)):
        scores = SortedSet(keys)
        assert len(scores) == 100_000
        scores.update(keys, range(50_000, 150_000))
        assert scores[:] == sorted({*keys, *range(50_000, 150_000)})
        scores.validate()
    names = [f"{name}{'x' * (name % 50)}" for name in range(20_000)]
    assert SortedSet(names)[:] == sorted(names)
    assert SortedSet(iter(names)) == set(names)


def test_set_algebra_is_that_of_sets() -> None:
    one, two = {1, 2, 3}, {3, 4}
    for left, right in ((SortedSet(one), SortedSet(two)), (SortedSet(one), two), (one, SortedSet(two))):
        for result, expected in (
            (left & right, one & two),
            (left | right, one | two),
            (left - right, one - two),
            (left ^ right, one ^ two),
        ):
            assert type(result) is SortedSet
            assert list(result) == sorted(expected)
    for method in ("union", "intersection", "difference", "symmetric_difference"):
        assert getattr(SortedSet(one), method)(iter(two)) == getattr(one, method)(two)
    for method in ("update", "intersection_update", "difference_update", "symmetric_difference_update"):
        ours, theirs = SortedSet(one), set(one)
        getattr(ours, method)(iter(two))
        getattr(theirs, method)(two)
        assert ours == theirs
    assert SortedSet(one).union([5], [6]) == {1, 2, 3, 5, 6}
    assert SortedSet(one).intersection(["a"]) == set()
    assert SortedSet(one).difference("a", [1]) == {2, 3}
    with pytest.raises(TypeError):
        SortedSet(one) | {"a"}  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        SortedSet(one) | [4]  # type: ignore[operator]


def test_set_algebra_in_place() -> None:
    scores = same = SortedSet([1, 2, 3])
    scores |= {4}
    scores &= {2, 3, 4, "a"}
    scores -= {3, "b"}
    scores ^= {4, 5}
    assert scores is same
    assert list(scores) == [2, 5]
    scores ^= scores
    assert not scores
    with pytest.raises(TypeError):
        scores ^= {6, "a"}  # type: ignore[arg-type]
    assert not scores


def test_comparisons_are_those_of_sets() -> None:
    scores = SortedSet([1, 2])
    assert scores == {1, 2} == scores
    assert scores != {1}
    assert scores != [1, 2]
    assert scores != SortedSet("ab")
    assert {1} < scores <= {1, 2} < SortedSet([1, 2, 3]) > scores >= {1}
    assert not scores < scores
    assert scores.issubset([1, 2, 3])
    assert scores.issuperset(iter([1]))
    assert scores.isdisjoint("ab")
    assert not scores.isdisjoint([2])
    with pytest.raises(TypeError):
        hash(scores)
    with pytest.raises(TypeError):
        _ = scores < [3]  # type: ignore[operator]
    assert isinstance(scores, MutableSet)


@pytest.mark.parametrize("keys", [[3, 1], [2.5, -1.5], ["b", "\ud800"], [b"b", b""]])
def test_copies_are_sets_of_their_own(keys: list[Any]) -> None:
    original = SortedSet(keys)
    for made in (original.copy(), copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert (type(made), made.key_type) == (SortedSet, type(keys[0]))
        assert made[:] == sorted(keys)
        made.clear()
        assert len(original) == 2
        assert made.key_type is type(keys[0])
        assert pickle.loads(pickle.dumps(made)).key_type is type(keys[0])
    assert eval(repr(original)) == original


def test_a_finaliser_may_use_the_set_at_any_moment() -> None:
    names, late = SortedSet([f"name {number}" for number in range(2000)]), count()

    class Loop:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            names.add(f"late {next(late)}")
            names.discard("name 7")

    thresholds = gc.get_threshold()
    gc.set_threshold(50)
    try:
        for number in range(300):
            Loop()
            keys = names[:]
            assert keys == sorted(set(keys))
            names.insert(f"name {number}")
            names.rank("name 9")
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    names.validate()
    assert len(names) > 2100
