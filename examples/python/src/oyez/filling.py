"""What the library copies into a buffer."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from oyez._native import ffi, lib
from oyez.errors import refusal

UINT64 = ("Q", ffi.typeof("uint64_t[]"))
UINT32 = ("I", ffi.typeof("uint32_t[]"))


def filled(
    fill: Callable[..., int], *arguments: Any, count: int, what: str, numbers: tuple[str, Any] = UINT64
) -> array[int]:
    """Calls what fills a buffer of numbers, until that has room for all; `count` is how many there should be."""
    typecode, kind = numbers
    counts = ffi.new("size_t[2]")
    while True:
        out = array(typecode, [0]) * count
        status = fill(*arguments, ffi.from_buffer(kind, out), count, counts, counts + 1)
        written, total = counts
        if status != lib.OYEZ_SHORT_BUFFER:
            if status:
                raise refusal(status, what)
            return out[:written]
        count = total
