"""A sorted set in which every key has a rank, its 0-based position."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, MutableSet, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Generic, NamedTuple, SupportsIndex, cast, overload

from oyez.keys import K, Keys, NoKeys
from oyez.number_keys import FloatKeys, IntKeys, NumberKeys, kind_of_buffer
from oyez.string_keys import BytesKeys, TextKeys

_KINDS: dict[type, type[Keys[Any]]] = {int: IntKeys, float: FloatKeys, str: TextKeys, bytes: BytesKeys}

_CHUNK = 512  # keys that are read at once by who iterates


class Inserted(NamedTuple):
    """What became of a key."""

    rank: int
    is_new: bool


class SortedSet(MutableSet[K], Generic[K]):
    """Keys of one type in order: `int` of 64 bits, `float` without NaN, `str`, or `bytes`.

    The first key says which, or `key_type`. Another type is a `TypeError`, an integer that does not fit an
    `OverflowError`. It is the `SortedSet` of the package sortedcontainers, without a key function; every key has a
    rank besides, and `insert` and `delete` tell it. O(log n), if nothing else is said.

    Any thread may use it, at any time. An iteration ends with a `RuntimeError` when the set changes; `set[:]` and
    `copy()` are of one moment.

    >>> scores = SortedSet([30, 10])
    >>> scores.insert(20)
    Inserted(rank=1, is_new=True)
    >>> scores[0], scores.rank(30), scores[1:]
    (10, 2, [20, 30])
    """

    __slots__ = ("__weakref__", "_keys")

    def __init__(self, keys: Iterable[K] = (), *, key_type: type[K] | None = None) -> None:
        """Makes a set of these keys: in order they are O(n), and an array or another buffer of 64-bit integers or
        floats is read as it is."""
        self._keys: Keys[K] = NoKeys()
        if key_type is not None:
            self._keys = _none_of(key_type)
        self.update(keys)

    # ------------------------------------------------------------------------------------------------------- one key

    def add(self, value: K) -> None:
        """Adds a key, if it is not there."""
        self._keys_for(value).insert(value)

    def insert(self, key: K) -> Inserted:
        """Adds a key, if it is not there, and tells its rank."""
        rank = self._keys_for(key).insert(key)
        return Inserted(rank, True) if rank >= 0 else Inserted(~rank, False)

    def discard(self, value: K) -> None:
        """Removes a key, if it is there."""
        self.delete(value)

    def remove(self, value: K) -> None:
        """Removes a key, which must be there: `KeyError`."""
        if self.delete(value) is None:
            raise KeyError(value)

    def delete(self, key: K) -> int | None:
        """Removes a key and tells the rank that it had; None if it was not there."""
        rank = self._keys.remove(key)
        return rank if rank >= 0 else None

    def pop(self, index: int = -1) -> K:
        """Removes the key of a rank, the last if none is given, and returns it."""
        keys = self._keys
        with keys.lock:
            key = keys.select(index if index >= 0 else index + len(keys))
            keys.remove(key)
            return key

    def __contains__(self, key: object) -> bool:
        """Whether a key is there. No key of another type is."""
        keys = self._keys
        if type(key) is not keys.kind:
            return False
        try:
            return keys.rank(cast(Any, key)) >= 0
        except (OverflowError, ValueError):  # an integer that does not fit, NaN
            return False

    def rank(self, key: K) -> int | None:
        """The number of keys before this one; None if it is not there."""
        rank = self._keys.rank(key)
        return rank if rank >= 0 else None

    def select(self, rank: int) -> K:
        """The key of a rank, which must be below the number of keys: `IndexError`."""
        return self._keys.select(rank)

    def index(self, value: K, start: int | None = None, stop: int | None = None) -> int:
        """The rank of a key, which must be there, and not outside of `start` and `stop`: `ValueError`."""
        rank = self.rank(value)
        if rank is None or rank not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{value!r} is not in the set")
        return rank

    def count(self, value: K) -> int:
        """1 if a key is there, or else 0."""
        return int(value in self)

    def bisect_left(self, value: K) -> int:
        """The number of keys below this one."""
        rank = self._keys.rank(value)
        return rank if rank >= 0 else ~rank

    def bisect_right(self, value: K) -> int:
        """The number of keys that are not above this one."""
        rank = self._keys.rank(value)
        return rank + 1 if rank >= 0 else ~rank

    bisect = bisect_right

    # ------------------------------------------------------------------------------------------------------ many keys

    def update(self, *others: Iterable[K]) -> None:
        """Adds many keys, in any order: O(log n) each, O(1) into an empty set; arrays and buffers as in `__init__`."""
        for other in others:
            kind = other.key_type if isinstance(other, SortedSet) else kind_of_buffer(other)
            if kind is not None and not isinstance(other, SortedSet):
                self._load(kind, other)
            elif keys := _snapshot(other):
                self._load(type(keys[0]), keys)

    def contains_many(self, keys: Iterable[K]) -> bytes:
        """Tells for each key whether it is there, 1 or 0; the keys may be an array or a buffer."""
        return self._keys.contains_many(keys)

    def to_array(self, start: int | None = None, stop: int | None = None) -> array[Any]:
        """The keys of these ranks in an array of 64-bit integers or floats, which is a buffer. O(log n + keys)."""
        keys: object = self._keys
        if not isinstance(keys, NumberKeys):
            raise TypeError("only a set of integers or floats goes into an array")
        with keys.lock:
            first, last, _ = slice(start, stop).indices(len(self))
            return keys.to_array(first, last)

    def clear(self) -> None:
        """Removes all keys; their type stays. O(n)."""
        self._keys.clear()

    def copy(self) -> SortedSet[K]:
        """A set of the same keys. O(n)."""
        return self._with(self._keys.snapshot())

    __copy__ = copy

    def __deepcopy__(self, _: dict[int, Any]) -> SortedSet[K]:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._keys.snapshot(), self.key_type)

    # ---------------------------------------------------------------------------------------------------------- order

    @overload
    def __getitem__(self, index: SupportsIndex) -> K: ...
    @overload
    def __getitem__(self, index: slice) -> list[K]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> K | list[K]:
        """The key of a rank, or a list of the keys of a slice: O(log n + keys)."""
        keys = self._keys
        if not isinstance(index, slice):
            rank = index.__index__()
            if rank >= 0:
                return keys.select(rank)
            with keys.lock:
                return keys.select(rank + len(keys))
        with keys.lock:
            start, stop, step = index.indices(len(keys))
            if step == 1:
                return keys.slice(start, stop)
            ranks = range(start, stop, step)
            if not ranks:
                return []
            first, last = min(ranks[0], ranks[-1]), max(ranks[0], ranks[-1])
            between = keys.slice(first, last + 1)
            return between[:: abs(step)] if step > 0 else between[::step]

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        """Removes the key of a rank, or the keys of a slice: O(log n) each."""
        keys = self._keys
        with keys.lock:
            for key in self[index] if isinstance(index, slice) else [self[index]]:
                keys.remove(key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[K]:
        return self.islice()

    def __reversed__(self) -> Iterator[K]:
        return self.islice(reverse=True)

    def islice(self, start: int | None = None, stop: int | None = None, reverse: bool = False) -> Iterator[K]:
        """Iterates over the keys of these ranks. O(log n) for 512 of them."""
        with self._keys.lock:
            first, last, _ = slice(start, stop).indices(len(self))
            return _walk(self._keys, self._keys.changes, first, last, reverse)

    def irange(
        self,
        minimum: K | None = None,
        maximum: K | None = None,
        inclusive: tuple[bool, bool] = (True, True),
        reverse: bool = False,
    ) -> Iterator[K]:
        """Iterates over the keys from `minimum` to `maximum`; None is no limit."""
        with self._keys.lock:
            first, last = 0, len(self)
            if minimum is not None:
                first = self.bisect_left(minimum) if inclusive[0] else self.bisect_right(minimum)
            if maximum is not None:
                last = self.bisect_right(maximum) if inclusive[1] else self.bisect_left(maximum)
            return _walk(self._keys, self._keys.changes, first, last, reverse)

    # ----------------------------------------------------------------------------------------------------- set algebra

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AbstractSet):
            return NotImplemented
        return _moment(self) == _moment(other)

    def __le__(self, other: AbstractSet[Any]) -> bool:
        return _moment(self) <= _moment(other) if isinstance(other, AbstractSet) else NotImplemented

    def __lt__(self, other: AbstractSet[Any]) -> bool:
        return _moment(self) < _moment(other) if isinstance(other, AbstractSet) else NotImplemented

    def __ge__(self, other: AbstractSet[Any]) -> bool:
        return _moment(self) >= _moment(other) if isinstance(other, AbstractSet) else NotImplemented

    def __gt__(self, other: AbstractSet[Any]) -> bool:
        return _moment(self) > _moment(other) if isinstance(other, AbstractSet) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: AbstractSet[Any]) -> SortedSet[K]:
        return self.intersection(other) if isinstance(other, AbstractSet) else NotImplemented

    def __or__(self, other: AbstractSet[K]) -> SortedSet[K]:  # type: ignore[override] # a set has keys of one type
        return self.union(other) if isinstance(other, AbstractSet) else NotImplemented

    def __sub__(self, other: AbstractSet[Any]) -> SortedSet[K]:
        return self.difference(other) if isinstance(other, AbstractSet) else NotImplemented

    def __xor__(self, other: AbstractSet[K]) -> SortedSet[K]:  # type: ignore[override] # as above
        return self.symmetric_difference(other) if isinstance(other, AbstractSet) else NotImplemented

    __rand__ = __and__
    __ror__ = __or__
    __rxor__ = __xor__

    def __rsub__(self, other: AbstractSet[K]) -> SortedSet[K]:
        return SortedSet(_moment(other) - _moment(self)) if isinstance(other, AbstractSet) else NotImplemented

    def __ior__(self, other: AbstractSet[K]) -> SortedSet[K]:  # type: ignore[override] # as above
        return self._changed_by(self.update, other)

    def __iand__(self, other: AbstractSet[Any]) -> SortedSet[K]:
        return self._changed_by(self.intersection_update, other)

    def __isub__(self, other: AbstractSet[Any]) -> SortedSet[K]:
        return self._changed_by(self.difference_update, other)

    def __ixor__(self, other: AbstractSet[K]) -> SortedSet[K]:  # type: ignore[override] # as above
        return self._changed_by(self.symmetric_difference_update, other)

    def union(self, *others: Iterable[K]) -> SortedSet[K]:
        """The keys of this set or of the others. O(n log n)."""
        return self._with(_moment(self).union(*map(_moment, others)))

    def intersection(self, *others: Iterable[Any]) -> SortedSet[K]:
        """The keys of this set that are in all of the others. O(n log n)."""
        return self._with(_moment(self).intersection(*map(_moment, others)))

    def difference(self, *others: Iterable[Any]) -> SortedSet[K]:
        """The keys of this set that are in none of the others. O(n log n)."""
        return self._with(_moment(self).difference(*map(_moment, others)))

    def symmetric_difference(self, other: Iterable[K]) -> SortedSet[K]:
        """The keys of one of the two, but not of both. O(n log n)."""
        return self._with(_moment(self).symmetric_difference(_moment(other)))

    def intersection_update(self, *others: Iterable[Any]) -> None:
        """Keeps the keys that are in all of the others. O(n log n)."""
        kept = [_moment(other) for other in others]
        with self._keys.lock:
            for key in _moment(self).difference(_moment(self).intersection(*kept)):
                self._keys.remove(key)

    def difference_update(self, *others: Iterable[Any]) -> None:
        """Removes the keys of the others. O(log n) for each of those."""
        for other in others:
            for key in _moment(other):
                if key in self:
                    self.discard(key)

    def symmetric_difference_update(self, other: Iterable[K]) -> None:
        """Removes the keys of the other one that are in this set, and adds those that are not. O(log n) for each."""
        others = _moment(other)
        with self._keys.lock:
            common = {key for key in others if key in self}
            self.update(others - common)  # which refuses other types while nothing has changed
            self.difference_update(common)

    def issubset(self, other: Iterable[Any]) -> bool:
        """Whether all keys are in the other one."""
        return _moment(self).issubset(_moment(other))

    def issuperset(self, other: Iterable[Any]) -> bool:
        """Whether all of the other one's are in this set."""
        return _moment(self).issuperset(_moment(other))

    def isdisjoint(self, other: Iterable[Any]) -> bool:
        """Whether no key is in the other one."""
        return not any(key in self for key in _moment(other))

    # ---------------------------------------------------------------------------------------------------------- itself

    @property
    def key_type(self) -> type[K] | None:
        """The type of its keys; None if there was no key yet."""
        return None if isinstance(self._keys, NoKeys) else self._keys.kind

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self[:]!r})"

    def validate(self) -> None:
        """Checks the structure; for tests. O(n)."""
        self._keys.validate()

    # ------------------------------------------------------------------------------------------------------ its insides

    def _keys_for(self, key: K) -> Keys[K]:
        """The keys, which are of this one's type from now on if there was none yet and it is not refused."""
        if isinstance(self._keys, NoKeys):
            made = _none_of(type(key))
            made.rank(key)
            self._begin(made)
        return self._keys

    def _load(self, kind: type[Any], keys: Iterable[K]) -> None:
        """Adds many keys, which can be read twice: the first ones before the set has their type, lest they are
        refused."""
        if isinstance(self._keys, NoKeys):
            made = _none_of(kind)
            made.load(keys)
            if self._begin(made):
                return
        self._keys.load(keys)

    def _begin(self, made: Keys[K]) -> bool:
        """Takes these as the set's keys, unless another thread was faster."""
        with self._keys.lock:
            begins = isinstance(self._keys, NoKeys)
            if begins:
                self._keys = made
            return begins

    def _with(self, keys: Iterable[K]) -> SortedSet[K]:
        return SortedSet(keys, key_type=self.key_type)

    def _changed_by(self, change: Callable[[AbstractSet[Any]], None], other: AbstractSet[Any]) -> SortedSet[K]:
        if not isinstance(other, AbstractSet):
            return NotImplemented
        change(other)
        return self


def _none_of(kind: type[Any]) -> Keys[Any]:
    if kind not in _KINDS:
        raise TypeError(f"keys are int, float, str or bytes, not {kind.__name__}")
    return _KINDS[kind]()


def _snapshot(keys: Iterable[K]) -> Sequence[K]:
    return keys._keys.snapshot() if isinstance(keys, SortedSet) else list(keys)


def _moment(keys: Iterable[Any]) -> set[Any]:
    return set(_snapshot(keys))


def _restored(keys: Sequence[K], key_type: type[K] | None) -> SortedSet[K]:
    return SortedSet(keys, key_type=key_type)


def _walk(keys: Keys[K], changes: int, start: int, stop: int, reverse: bool) -> Iterator[K]:
    """The keys of these ranks, as long as the set is as it was."""
    chunks = range(start, stop, _CHUNK)
    for first in reversed(chunks) if reverse else chunks:
        chunk = keys.slice(first, min(first + _CHUNK, stop))
        if keys.changes != changes:  # before the first, or while the chunk was copied
            raise _changed()
        for key in reversed(chunk) if reverse else chunk:
            yield key
            if keys.changes != changes:  # also behind the last of a chunk, where the next one may be empty by now
                raise _changed()


def _changed() -> RuntimeError:
    return RuntimeError("the set changed during an iteration")
