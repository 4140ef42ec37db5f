"""What `pyproject.toml` cannot say: the version is the library's, and cargo builds the library before cffi's C does."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).parent))

from extension import static_library, version


class BuildWithLibrary(build_ext):
    """Builds the library first, and links it statically."""

    def run(self) -> None:
        archive, libraries = static_library()
        for extension in self.extensions:
            extension.extra_objects.append(archive)
            extension.extra_link_args += libraries
        super().run()


setup(version=version(), cffi_modules=["extension.py:builder"], cmdclass={"build_ext": BuildWithLibrary})
