"""Sorted sets against `sorted(set(...))`, in whatever order hypothesis thinks of."""

import bisect
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from oyez import SortedSet

# Few enough that keys meet, and the ends of what there is.
KEYS: dict[type, st.SearchStrategy[Any]] = {
    int: st.one_of(st.integers(-20, 20), st.integers(-(2**63), 2**63 - 1)),
    float: st.one_of(st.integers(-20, 20).map(float), st.floats(allow_nan=False)),
    str: st.one_of(st.text("ab\x00é", max_size=3), st.text(st.characters())),
    bytes: st.one_of(st.binary(max_size=1), st.binary()),
}


class AgainstSortedSet(RuleBasedStateMachine):
    """A sorted set, and a set that is sorted when it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.model: set[Any] = set()

    @initialize(data=st.data(), kind=st.sampled_from(list(KEYS)))
    def begin(self, data: st.DataObject, kind: type) -> None:
        self.keys = KEYS[kind]
        keys = data.draw(st.lists(self.keys))
        self.ours: SortedSet[Any] = SortedSet(keys, key_type=kind)
        self.model.update(keys)

    @property
    def in_order(self) -> list[Any]:
        return sorted(self.model)

    def key(self, data: st.DataObject) -> Any:
        return data.draw(st.sampled_from(self.in_order) | self.keys if self.model else self.keys)

    @rule(data=st.data())
    def insert(self, data: st.DataObject) -> None:
        key = self.key(data)
        is_new = key not in self.model
        self.model.add(key)
        assert self.ours.insert(key) == (self.in_order.index(key), is_new)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = self.key(data)
        rank = self.in_order.index(key) if key in self.model else None
        self.model.discard(key)
        assert self.ours.delete(key) == rank

    @rule(data=st.data())
    def pop(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(-5, 5))
        try:
            key = self.in_order[index]
        except IndexError:
            with pytest.raises(IndexError):
                self.ours.pop(index)
        else:
            assert self.ours.pop(index) == key
            self.model.remove(key)

    @rule(data=st.data(), name=st.sampled_from(["update", "difference_update", "symmetric_difference_update"]))
    def update(self, data: st.DataObject, name: str) -> None:
        keys = data.draw(st.lists(self.keys))
        getattr(self.ours, name)(keys)
        getattr(self.model, name)(set(keys))

    @rule(data=st.data())
    def update_by_intersection(self, data: st.DataObject) -> None:
        keys = data.draw(st.sets(st.sampled_from(self.in_order))) if self.model else set()
        self.ours.intersection_update(keys)
        self.model &= keys

    @rule()
    def clear(self) -> None:
        self.ours.clear()
        self.model.clear()

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        key, other, model = self.key(data), self.key(data), self.in_order
        assert (key in self.ours) == (key in self.model)
        assert self.ours.bisect_left(key) == bisect.bisect_left(model, key)
        assert self.ours.bisect_right(key) == bisect.bisect_right(model, key)
        inclusive = data.draw(st.tuples(st.booleans(), st.booleans()))
        first = bisect.bisect_left(model, key) if inclusive[0] else bisect.bisect_right(model, key)
        last = bisect.bisect_right(model, other) if inclusive[1] else bisect.bisect_left(model, other)
        assert list(self.ours.irange(key, other, inclusive)) == model[first:last]

    @rule(data=st.data())
    def slice(self, data: st.DataObject) -> None:
        ranks = data.draw(st.slices(len(self.model)) if self.model else st.just(slice(None)))
        assert self.ours[ranks] == self.in_order[ranks]

    @rule(data=st.data())
    def compare(self, data: st.DataObject) -> None:
        other = set(data.draw(st.lists(self.keys)))
        assert self.ours | other == self.model | other
        assert self.ours & other == self.model & other
        assert self.ours - other == self.model - other
        assert self.ours ^ other == self.model ^ other
        assert (self.ours <= other, self.ours > other) == (self.model <= other, self.model > other)

    @invariant()
    def it_is_what_the_model_is(self) -> None:
        if hasattr(self, "ours"):
            assert list(self.ours) == self.in_order
            assert list(reversed(self.ours)) == self.in_order[::-1]
            assert len(self.ours) == len(self.model)
            self.ours.validate()


TestAgainstSortedSet = AgainstSortedSet.TestCase
