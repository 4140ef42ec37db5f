"""Runs the tests in cffi's other mode, in which nothing is compiled: `pytest -p abi_mode`.

The wrapper is the installed one. What it imports as its compiled half is, instead, the header as cffi reads it and the
shared library that OYEZ_LIBRARY names. Only numbers that are macros come from the compiled half: no library has them.
"""

import importlib.util
import os
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from cffi import FFI
from extension import GLUE_DECLARATIONS, declarations


def compiled_half() -> Any:
    """Loads it without the package around it."""
    package = importlib.util.find_spec("oyez")
    assert package is not None
    assert package.submodule_search_locations is not None
    (directory,) = package.submodule_search_locations
    (path,) = [path for path in Path(directory).glob("_oyez*") if path.name.endswith(tuple(EXTENSION_SUFFIXES))]
    loader = ExtensionFileLoader("oyez._oyez", str(path))
    spec = importlib.util.spec_from_loader("oyez._oyez", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Library:
    """The shared library, with what the compiled half has besides."""

    def __init__(self, functions: Any, numbers: Any) -> None:
        self._functions, self._numbers = functions, numbers
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("OYEZ_"):
            return getattr(self._numbers, name)
        self.called.add(name)
        return getattr(self._functions, name)

    def __dir__(self) -> list[str]:
        return dir(self._numbers)


class AbiFFI(FFI):
    """cffi without a compiler."""

    library: Library

    def def_extern(self, name: str, **answers: Any) -> Any:
        declared = next(line for line in GLUE_DECLARATIONS.splitlines() if f" {name}(" in line)
        kind = declared.removeprefix('extern "Python" ').rstrip(";").replace(name, "(*)")

        def export(function: Callable[..., Any]) -> None:
            setattr(self.library, name, self.callback(kind, function, **answers))

        return export


def interpreted_half() -> ModuleType:
    """What stands in for the compiled half."""
    compiled = compiled_half()
    ffi = AbiFFI()
    ffi.cdef(declarations())
    library = ffi.library = Library(ffi.dlopen(os.environ["OYEZ_LIBRARY"]), compiled.lib)

    def defaults(options: Any) -> None:
        filled = compiled.ffi.new("oyez_fanout_options *")
        compiled.lib.oyez_py_defaults(filled)
        ffi.memmove(options, compiled.ffi.buffer(filled), ffi.sizeof("oyez_fanout_options"))

    module = ModuleType("oyez._oyez")
    vars(module).update(ffi=ffi, lib=library)
    vars(library).update(oyez_py_defaults=defaults)
    return module


sys.modules["oyez._oyez"] = interpreted_half()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says that it was so."""
    called = sys.modules["oyez._oyez"].lib.called
    terminalreporter.write_line(f"in ABI mode: {len(called)} functions of {os.environ['OYEZ_LIBRARY']}")
