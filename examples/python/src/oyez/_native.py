"""The library: `lib` has its functions and numbers, `ffi` its types.

Every call lets other threads run meanwhile. What is freed by `ffi.gc` is counted: a call that has the object keeps it,
and `close()` beside it only lets go. A closed object is NULL, and the library checks every pointer that it is given, so
that it is the library which says that something is closed.
"""

from collections.abc import Callable
from typing import Any

from oyez._oyez import ffi as ffi
from oyez._oyez import lib as lib


def check_abi(header: int, library: int) -> None:
    """Refuses a library that is not for the header which this package was built from."""
    if header != library:
        raise ImportError(f"oyez was built for binary interface {header}, and the library has {library}")


check_abi(lib.OYEZ_ABI_VERSION, lib.oyez_abi_version())


def callback(name: str, **answers: Any) -> Callable[[Callable[..., Any]], Any]:
    """Makes a function what the library calls under this name. What it raises is for `onerror`, never for C."""

    def export(function: Callable[..., Any]) -> Any:
        ffi.def_extern(name, **answers)(function)
        return getattr(lib, name)

    return export


def fanout_options() -> Any:
    """The defaults, in a struct of their own."""
    options = ffi.new("oyez_fanout_options *")
    lib.oyez_py_defaults(options)
    return options


def place(kind: str) -> Any:
    """Where the library puts a new object of this kind."""
    return ffi.new(f"oyez_{kind} **")


def owned(kind: str, place: Any) -> Any:
    """The object that the library has put there. It is freed with its last reference."""
    return ffi.gc(place[0], getattr(lib, f"oyez_{kind}_free"))


def text_of(status: int) -> str:
    """What a status means."""
    return str(ffi.string(lib.oyez_status_str(status)).decode())


def version() -> str:
    """The library's version."""
    return str(ffi.string(lib.oyez_version_string()).decode())
