"""Integers and floats, as numbers of the library's that stand in the same order.

An integer of 64 bits becomes one without a sign when its highest bit is turned over. A float's bits are in order if it
is positive; all of them are turned over if it is negative, or else the sign alone. Many are turned over at once, as one
large integer with a lane of 64 bits for each: Python has no faster loop.
"""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections.abc import Iterable
from functools import lru_cache
from math import isnan
from struct import Struct
from sys import byteorder, maxsize
from typing import Any, TypeVar, cast

from oyez._native import ffi, lib
from oyez.keys import OK, SIZE, Keys, all_of, buffer_of, check, missed, no_rank, not_of

N = TypeVar("N", int, float)

_RANK, _INSERT, _REMOVE = lib.oyez_set_rank, lib.oyez_set_insert, lib.oyez_set_remove

_SIGN = 1 << 63
_REST = _SIGN - 1
_WORD = 8  # bytes
_NUMBERS = ffi.typeof("uint64_t[]")
_PLACE = ffi.typeof("uint64_t *")


class NumberKeys(Keys[N]):
    """Keys that the library keeps as numbers."""

    native = "set"
    typecode: str
    """Of an array with such keys."""

    @abstractmethod
    def code(self, key: N) -> int:
        """The library's number for a key, which the call refuses if it does not fit in 64 bits."""

    @abstractmethod
    def key(self, code: int) -> N:
        """The key of a number of the library's."""

    @abstractmethod
    def codes(self, words: bytes) -> bytes:
        """The library's numbers for the keys of an array."""

    @abstractmethod
    def words(self, codes: bytes) -> bytes:
        """The keys of an array, for the library's numbers."""

    @abstractmethod
    def fit(self, keys: array[N]) -> array[N]:
        """Keys that may be in the set."""

    def insert(self, key: N) -> int:
        return self._change(_INSERT, self.code(key))

    def remove(self, key: N) -> int:
        return self._change(_REMOVE, self.code(key))

    def rank(self, key: N) -> int:
        code = self.code(key)
        try:
            with self.lock:
                size = self.sizes.pop() if self.sizes else ffi.new(SIZE)
                status = _RANK(self.set, code, size)
                rank: int = size[0]
                self.sizes.append(size)
        except OverflowError:
            raise no_number(key) from None
        return rank if status == OK else missed(status, rank)

    def _change(self, change: Any, code: int) -> int:
        try:
            with self.lock:
                size = self.sizes.pop() if self.sizes else ffi.new(SIZE)
                status = change(self.set, code, size)
                rank: int = size[0]
                self.sizes.append(size)
                if status == OK:
                    self.changes += 1
                    return rank
        except OverflowError:
            raise no_number(self.key(code)) from None
        return missed(status, rank)

    def select(self, rank: int) -> N:
        if not 0 <= rank <= maxsize:
            raise no_rank(rank)
        code = ffi.new(_PLACE)
        with self.lock:
            status = lib.oyez_set_select(self.set, rank, code)
        if status == lib.OYEZ_NOT_FOUND:
            raise no_rank(rank)
        check(status)
        return self.key(code[0])

    def snapshot(self) -> array[N]:
        with self.lock:
            return self.to_array(0, len(self))

    def slice(self, start: int, stop: int) -> list[N]:
        return self.to_array(start, stop).tolist()

    def to_array(self, start: int, stop: int) -> array[N]:
        """The keys of these ranks, in an array. O(log n + keys)."""
        count = max(stop - start, 0)
        out = buffer_of(_NUMBERS, count)
        with self.lock:
            size = self._size()
            check(lib.oyez_set_slice(self.set, start, stop, out, count, size, ffi.NULL))
            written = self._told(size)
        return array(self.typecode, self.words(ffi.buffer(out, written * _WORD)[:]))

    def load(self, keys: Iterable[N]) -> None:
        codes = self.codes(self._array_of(keys).tobytes())
        if not self._load(_numbers(codes), len(codes) // _WORD):
            in_order = array("Q", sorted(set(array("Q", codes))))
            self._load(_numbers(in_order), len(in_order))

    def contains_many(self, keys: Iterable[N]) -> bytes:
        codes = self.codes(self._array_of(keys).tobytes())
        return self._contains_many(_numbers(codes), len(codes) // _WORD)

    def _array_of(self, keys: Iterable[N]) -> array[N]:
        if kind_of_buffer(keys) is self.kind:
            return self.fit(array(self.typecode, memoryview(cast(Any, keys)).tobytes()))
        keys = all_of(self.kind, keys)
        try:
            return self.fit(array(self.typecode, keys))
        except OverflowError:
            raise no_number(next(key for key in keys if not -_SIGN <= key < _SIGN)) from None


class IntKeys(NumberKeys[int]):
    """Integers from -2**63 to below 2**63."""

    kind = int
    typecode = "q"

    def code(self, key: int) -> int:
        if type(key) is not int:
            raise not_of(int, key)
        return key + _SIGN

    def key(self, code: int) -> int:
        return code - _SIGN

    def codes(self, words: bytes) -> bytes:
        lanes = int.from_bytes(words, byteorder)
        return (lanes ^ _every(_SIGN, len(words) // _WORD)).to_bytes(len(words), byteorder)

    def words(self, codes: bytes) -> bytes:
        return self.codes(codes)

    def fit(self, keys: array[int]) -> array[int]:
        return keys


class FloatKeys(NumberKeys[float]):
    """Floats but NaN, which has no place in an order. 0.0 and -0.0 are the same key, and 0.0 is what comes back."""

    kind = float
    typecode = "d"

    def code(self, key: float) -> int:
        if type(key) is not float:
            raise not_of(float, key)
        if key != key:
            raise ValueError("NaN has no place in an order")
        bits: int = _BITS.unpack(_FLOAT.pack(key + 0.0))[0]  # -0.0 + 0.0 is 0.0
        return bits ^ (_SIGN | _REST if bits & _SIGN else _SIGN)

    def key(self, code: int) -> float:
        key: float = _FLOAT.unpack(_BITS.pack(code ^ (_SIGN if code & _SIGN else _SIGN | _REST)))[0]
        return key

    def codes(self, words: bytes) -> bytes:
        lanes, count = int.from_bytes(words, byteorder), len(words) // _WORD
        negative = lanes >> 63 & _every(1, count)
        return (lanes ^ (_every(_SIGN, count) | _REST * negative)).to_bytes(len(words), byteorder)

    def words(self, codes: bytes) -> bytes:
        lanes, count = int.from_bytes(codes, byteorder), len(codes) // _WORD
        negative = ~(lanes >> 63) & _every(1, count)
        return (lanes ^ (_every(_SIGN, count) | _REST * negative)).to_bytes(len(codes), byteorder)

    def fit(self, keys: array[float]) -> array[float]:
        if any(map(isnan, keys)):
            raise ValueError("NaN has no place in an order")
        return array("d", map((0.0).__add__, keys))


def no_number(key: float) -> OverflowError:
    """The library's numbers have 64 bits."""
    return OverflowError(f"{key} does not fit in 64 bits")


def kind_of_buffer(keys: object) -> type[int] | type[float] | None:
    """The type of the keys that a buffer has, if it has 64-bit ones."""
    try:
        view = memoryview(cast(Any, keys))
    except TypeError:
        return None
    return _KINDS.get(view.format) if view.itemsize == _WORD else None


_KINDS: dict[str, type[int] | type[float]] = {"q": int, "l": int, "d": float}
_BITS, _FLOAT = Struct("=Q"), Struct("=d")


def _every(word: int, count: int) -> int:
    """A word in each of so many lanes."""
    return _few(word, count) if count <= _FEW else _many(word, count)


def _many(word: int, count: int) -> int:
    return int.from_bytes(word.to_bytes(_WORD, byteorder) * count, byteorder)


_FEW = 1024
_few = lru_cache(maxsize=64)(_many)  # for who iterates


def _numbers(codes: Any) -> Any:
    return ffi.from_buffer(_NUMBERS, codes)
