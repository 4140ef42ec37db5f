"""The package itself: its versions, its types, its documentation."""

import doctest
import importlib
import importlib.metadata
import importlib.resources
import inspect
import pkgutil
import subprocess
import sys

import pytest

import oyez
from oyez import _native, errors


def test_versions_are_the_librarys() -> None:
    assert oyez.__version__ == importlib.metadata.version("oyez")
    number = sum(int(part) * 1000**place for place, part in enumerate(reversed(oyez.__version__.split("."))))
    assert number == _native.lib.OYEZ_VERSION_NUMBER == _native.lib.oyez_version_number()


def test_a_library_with_another_binary_interface_is_refused() -> None:
    _native.check_abi(1, 1)
    with pytest.raises(ImportError, match="binary interface 1, and the library has 2"):
        _native.check_abi(1, 2)


def test_what_is_left_open_at_the_end_of_a_program_says_nothing() -> None:
    program = """
import oyez

registry = oyez.Registry()
session = registry.connect()
registry.subscribe(session, 1)
worker, outbox, keys = registry.worker(), registry.outbox(session), oyez.SortedSet("ab")
assert worker.poll(lambda: print("woken")) is oyez.Readiness.PENDING
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_types_are_inline() -> None:
    assert importlib.resources.files(oyez).joinpath("py.typed").is_file()


def test_what_is_exported_has_a_docstring() -> None:
    for name in oyez.__all__:
        one = getattr(oyez, name)
        if not inspect.isclass(one):
            continue
        assert one.__doc__, name
        for method, function in inspect.getmembers(one, inspect.isfunction):
            if not method.startswith("_") and method in vars(one):
                assert function.__doc__, f"{name}.{method}"


def test_the_examples_in_docstrings_hold() -> None:
    tried = 0
    for module in pkgutil.iter_modules(oyez.__path__, "oyez."):
        if not module.name.endswith("._oyez"):
            result = doctest.testmod(importlib.import_module(module.name))
            assert result.failed == 0
            tried += result.attempted
    assert tried >= 4


def test_every_status_is_an_exception_that_says_what_it_means() -> None:
    statuses = {
        name: number
        for name in dir(_native.lib)
        if name.startswith("OYEZ_") and isinstance(number := getattr(_native.lib, name), int) and number < 0
    }
    assert len(statuses) >= 20
    for name, status in statuses.items():
        error = errors.refusal(status, "it")
        if name == "OYEZ_NULL":
            assert str(error) == "used after close()"
        else:
            assert str(error) == f"it: {_native.text_of(status)}"
            assert "unknown" not in str(error)
    for name in ("OYEZ_PANIC", "OYEZ_POISONED", "OYEZ_BROKEN"):
        assert isinstance(errors.refusal(statuses[name], "it"), oyez.InternalError)
