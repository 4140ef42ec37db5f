"""What a sorted set keeps its keys in: sets of the library, which know two types, behind four of Python.

Integers and floats go into 64-bit numbers of the same order (`number_keys.py`), strings into bytes (`string_keys.py`).

A set of the library has many readers or one writer, and every call lets other threads run, so every call is made with
the set's lock. A finaliser or a signal's handler may use the set in between, on the same thread: so the lock is one
that its owner may take again, a call's room for results is its own, and nothing points into the set after a call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from threading import RLock
from typing import Any, Generic, TypeVar

from oyez._native import ffi, lib, owned, place
from oyez.errors import refusal

K = TypeVar("K", int, float, str, bytes)

OK: int = lib.OYEZ_OK
_MISSES: tuple[int, int] = (lib.OYEZ_NOT_FOUND, lib.OYEZ_ALREADY)
SIZE = ffi.typeof("size_t *")

buffer_of = ffi.new_allocator(should_clear_after_alloc=False)
"""Room that is written before it is read."""


class Keys(ABC, Generic[K]):
    """Keys of one type, in order.

    What tells a rank tells its complement, `~rank`, when the key was not there, or was not new.
    """

    kind: type[K]
    """The type of the keys."""
    native: str
    """What the library calls a set of them."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.changes = 0
        """Grows with every change, so that who iterates sees one."""
        self.sizes: list[Any] = []  # room for ranks; a call takes one and puts it back
        made = place(self.native)
        check(self._call("new")(made))
        self.set = owned(self.native, made)
        self._len = self._call("len")

    @abstractmethod
    def insert(self, key: K) -> int:
        """Inserts a key and tells its rank. O(log n)."""

    @abstractmethod
    def remove(self, key: K) -> int:
        """Removes a key and tells the rank that it had. O(log n)."""

    @abstractmethod
    def rank(self, key: K) -> int:
        """Tells the rank of a key, which is the number of keys before it. O(log n)."""

    @abstractmethod
    def select(self, rank: int) -> K:
        """The key of a rank, which must be one: `IndexError`. O(log n)."""

    @abstractmethod
    def snapshot(self) -> Sequence[K]:
        """All keys, of one moment. O(n)."""

    @abstractmethod
    def slice(self, start: int, stop: int) -> list[K]:
        """The keys of these ranks, in the order in which they are. O(log n + keys)."""

    @abstractmethod
    def load(self, keys: Iterable[K]) -> None:
        """Inserts many keys, in any order. O(log n) each; into an empty set O(1) each, after sorting."""

    @abstractmethod
    def contains_many(self, keys: Iterable[K]) -> bytes:
        """Tells for each key whether it is there, 1 or 0. O(log n) each."""

    def clear(self) -> None:
        """Removes all keys. O(n)."""
        with self.lock:
            check(self._call("clear")(self.set))
            self.changes += 1

    def validate(self) -> None:
        """Checks the structure; for tests. O(n)."""
        reason = ffi.new("const char **")
        with self.lock:
            status = self._call("validate")(self.set, reason)
        if status:
            raise refusal(status, ffi.string(reason[0]).decode() if reason[0] else "set")

    def __len__(self) -> int:
        with self.lock:
            size = self._size()
            check(self._len(self.set, size))
            return self._told(size)

    def _call(self, verb: str) -> Any:
        return getattr(lib, f"oyez_{self.native}_{verb}")

    def _size(self) -> Any:
        return self.sizes.pop() if self.sizes else ffi.new(SIZE)

    def _told(self, size: Any) -> int:
        told: int = size[0]
        self.sizes.append(size)
        return told

    def _load(self, keys: Any, count: int) -> bool:
        """Inserts so many keys of the library's; into an empty set only if they ascend, or else says so."""
        with self.lock:
            changes = self.changes
            if len(self) == 0:
                made = place(self.native)
                status = self._call("from_sorted")(keys, count, made, ffi.NULL)
                if status == lib.OYEZ_NOT_SORTED:
                    return False
                check(status)
                built = owned(self.native, made)
                if self.changes == changes:  # or a finaliser has inserted something just now
                    self.changes += 1
                    self.set = built
                    return True
            check(self._call("insert_many")(self.set, keys, count, ffi.NULL))
            self.changes += 1
            return True

    def _contains_many(self, keys: Any, count: int) -> bytes:
        found = buffer_of("uint8_t[]", count)
        with self.lock:
            check(self._call("contains_many")(self.set, keys, count, found, ffi.NULL))
        return bytes(ffi.buffer(found, count))


class NoKeys(Keys[K]):
    """No keys yet, so that nobody knows of what type they will be."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.changes = 0
        self.kind = type(None)  # type: ignore[assignment] # no key's

    def insert(self, key: K) -> int:
        raise not_of(self.kind, key)

    def remove(self, key: K) -> int:  # noqa: ARG002
        return ~0

    def rank(self, key: K) -> int:  # noqa: ARG002
        return ~0

    def select(self, rank: int) -> K:
        raise no_rank(rank)

    def snapshot(self) -> Sequence[K]:
        return []

    def slice(self, start: int, stop: int) -> list[K]:  # noqa: ARG002
        return []

    def load(self, keys: Iterable[K]) -> None:
        raise not_of(self.kind, keys)

    def contains_many(self, keys: Iterable[K]) -> bytes:
        return bytes(len(list(keys)))

    def clear(self) -> None:
        pass

    def validate(self) -> None:
        pass

    def __len__(self) -> int:
        return 0


def no_rank(rank: int) -> IndexError:
    """A rank is below the number of keys."""
    return IndexError(f"no key has rank {rank}")


def missed(status: int, rank: int) -> int:
    """The complement of a rank, if that is what the status means."""
    if status not in _MISSES:
        check(status)
    return ~rank


def check(status: int) -> None:
    """A set that is not closed refuses nothing but what does not fit."""
    if status != OK:
        raise refusal(status, "set")


def not_of(kind: type, key: object) -> TypeError:
    """A set has keys of one type."""
    return TypeError(f"the set's keys are {kind.__name__}, not {type(key).__name__}")


def all_of(kind: type, keys: Iterable[K]) -> list[K]:
    """Keys that are all of this type. O(n)."""
    checked = list(keys)
    if not set(map(type, checked)) <= {kind}:
        raise not_of(kind, next(key for key in checked if type(key) is not kind))
    return checked
