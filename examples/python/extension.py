"""The compiled half of the package: the checked-in header as cffi reads it, and the library that goes inside.

cffi reads declarations but no directives, so it is fed what the preprocessor makes of the header; the numbers that are
macros there are named once more, and the C compiler tells their values. The library is built by cargo, static, with the
feature `ffi`, and what it exports stays inside of the extension.
"""

import os
import re
import subprocess
import tomllib
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "include" / "oyez.h"

# What the library calls back, and what a macro says that has no value cffi could read.
GLUE_DECLARATIONS = """
extern "Python" size_t oyez_py_deliver(void *userdata, uint64_t session, const oyez_item *items, size_t count);
extern "Python" void oyez_py_wake(void *userdata);
static void oyez_py_defaults(oyez_fanout_options *options);
"""
GLUE = """
#include <oyez.h>

static void oyez_py_defaults(oyez_fanout_options *options)
{
    const oyez_fanout_options defaults = OYEZ_FANOUT_OPTIONS_INIT;
    *options = defaults;
}
"""


def builder() -> FFI:
    """What cffi is to build."""
    ffi = FFI()
    ffi.cdef(declarations() + constants() + GLUE_DECLARATIONS)
    ffi.set_source(
        "oyez._oyez",
        GLUE,
        include_dirs=[str(HEADER.parent)],
        extra_link_args=["-Wl,--exclude-libs,ALL"],
        py_limited_api=True,
    )
    return ffi


def declarations() -> str:
    """The header's types and functions, without its directives."""
    header = re.sub(r"^#include .*$", "", HEADER.read_text(), flags=re.MULTILINE)  # cffi knows their types
    compiler = [*os.environ.get("CC", "cc").split(), "-std=c99", "-E", "-P", "-"]
    return subprocess.run(compiler, input=header, stdout=subprocess.PIPE, check=True, text=True).stdout


def constants() -> str:
    """The header's numbers."""
    names = re.findall(r"^#define (OYEZ_\w+) [-(0-9]", HEADER.read_text(), re.MULTILINE)
    return "".join(f"#define {name} ...\n" for name in names)


def static_library() -> tuple[str, list[str]]:
    """Builds the library: its archive, and how to link what of the system's that needs."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
    command = ["cargo", "rustc", "--lib", "--release", "--features", "ffi", "--crate-type", "staticlib"]
    environment = os.environ | {"CARGO_TARGET_DIR": str(target), "CARGO_TERM_COLOR": "never"}
    built = subprocess.run(
        [*command, "--", "--print", "native-static-libs"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    libraries = re.search(r"^note: native-static-libs: (.*)$", built.stderr, re.MULTILINE)
    if built.returncode != 0 or libraries is None:
        raise SystemExit(f"cargo could not build the library:\n{built.stderr}")
    return str(target / "release" / "liboyez.a"), libraries[1].split()


def version() -> str:
    """The library's version."""
    if not HEADER.exists():
        raise SystemExit("oyez is built from a checkout: the library's sources are not in the package, but around it")
    with (ROOT / "Cargo.toml").open("rb") as manifest:
        return str(tomllib.load(manifest)["package"]["version"])
