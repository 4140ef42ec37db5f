"""Strings, as bytes of the library's: text in UTF-8, whose bytes stand in the order of its code points."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, pairwise
from sys import maxsize
from typing import Any, TypeVar

from oyez._native import ffi, lib
from oyez.keys import OK, SIZE, Keys, all_of, buffer_of, check, missed, no_rank, not_of

S = TypeVar("S", str, bytes)

_RANK, _INSERT, _REMOVE = lib.oyez_byteset_rank, lib.oyez_byteset_insert, lib.oyez_byteset_remove

_USUAL = 32  # bytes of a key, for which there is room at first
_NEEDS, _SIZES, _BYTES = ffi.typeof("size_t[3]"), ffi.typeof("size_t[]"), ffi.typeof("uint8_t[]")


class StringKeys(Keys[S]):
    """Keys that the library keeps as bytes."""

    native = "byteset"

    @abstractmethod
    def code(self, key: S) -> bytes:
        """The bytes of a key."""

    @abstractmethod
    def keys(self, joined: bytes, ends: list[int]) -> list[S]:
        """The keys whose bytes are one behind the other and end here."""

    def insert(self, key: S) -> int:
        return self._change(_INSERT, self.code(key))

    def remove(self, key: S) -> int:
        return self._change(_REMOVE, self.code(key))

    def rank(self, key: S) -> int:
        code = self.code(key)
        with self.lock:
            size = self.sizes.pop() if self.sizes else ffi.new(SIZE)
            status = _RANK(self.set, code, len(code), size)
            rank: int = size[0]
            self.sizes.append(size)
        return rank if status == OK else missed(status, rank)

    def _change(self, change: Any, code: bytes) -> int:
        with self.lock:
            size = self.sizes.pop() if self.sizes else ffi.new(SIZE)
            status = change(self.set, code, len(code), size)
            rank: int = size[0]
            self.sizes.append(size)
            if status == OK:
                self.changes += 1
                return rank
        return missed(status, rank)

    def select(self, rank: int) -> S:
        if not 0 <= rank <= maxsize:
            raise no_rank(rank)
        found = self.slice(rank, rank + 1)
        if not found:
            raise no_rank(rank)
        return found[0]

    def snapshot(self) -> list[S]:
        with self.lock:
            return self.slice(0, len(self))

    def slice(self, start: int, stop: int) -> list[S]:
        joined, ends = self._copy(start, stop)
        return self.keys(joined, ends)

    def load(self, keys: Iterable[S]) -> None:
        codes = list(map(self.code, all_of(self.kind, keys)))
        joined = b"".join(codes)
        if not self._load(_strings(joined, codes), len(codes)):
            codes = sorted(set(codes))
            joined = b"".join(codes)
            self._load(_strings(joined, codes), len(codes))

    def contains_many(self, keys: Iterable[S]) -> bytes:
        codes = list(map(self.code, all_of(self.kind, keys)))
        joined = b"".join(codes)
        return self._contains_many(_strings(joined, codes), len(codes))

    def _copy(self, start: int, stop: int) -> tuple[bytes, list[int]]:
        """The keys of these ranks, one behind the other, and where they end."""
        needs = ffi.new(_NEEDS)
        count = max(stop - start, 0)
        room = count * _USUAL
        with self.lock:
            while True:
                out, ends = buffer_of(_BYTES, room), buffer_of(_SIZES, count)
                status = lib.oyez_byteset_copy(
                    self.set, start, stop, out, room, ends, count, needs, needs + 1, needs + 2
                )
                written, total, size = needs
                if status != lib.OYEZ_SHORT_BUFFER:
                    check(status)
                    return ffi.buffer(out, size)[:], ffi.unpack(ends, written)
                count, room = total, size


class TextKeys(StringKeys[str]):
    """Text. Surrogates that stand alone are kept as they are."""

    kind = str

    def code(self, key: str) -> bytes:
        if type(key) is not str:
            raise not_of(str, key)
        try:
            return key.encode()
        except UnicodeEncodeError:
            return key.encode("utf-8", "surrogatepass")

    def keys(self, joined: bytes, ends: list[int]) -> list[str]:
        if joined.isascii():  # a letter is a byte
            text = joined.decode()
            return [text[begin:end] for begin, end in _between(ends)]
        return [joined[begin:end].decode("utf-8", "surrogatepass") for begin, end in _between(ends)]


class BytesKeys(StringKeys[bytes]):
    """Bytes."""

    kind = bytes

    def code(self, key: bytes) -> bytes:
        if type(key) is not bytes:
            raise not_of(bytes, key)
        return key

    def keys(self, joined: bytes, ends: list[int]) -> list[bytes]:
        return [joined[begin:end] for begin, end in _between(ends)]


def _between(ends: list[int]) -> Iterator[tuple[int, int]]:
    return pairwise(chain((0,), ends))


def _strings(joined: bytes, codes: list[bytes]) -> Any:
    """Byte strings as the library wants them, where each is and how long; they lie in `joined`, which has to live."""
    begin = int(ffi.cast("uintptr_t", ffi.from_buffer(joined)))
    lengths = array("L", map(len, codes))
    words = array("L", bytes(2 * len(codes) * lengths.itemsize))
    words[0::2] = array("L", accumulate(lengths[:-1], initial=begin)) if codes else lengths
    words[1::2] = lengths
    return ffi.from_buffer("oyez_bytes[]", words)
