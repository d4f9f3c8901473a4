"""Runs manifests of frozen code by the rules of MicroPython's own build (manifestfile.py there).

Only what the manifests of this project and the stock ones that they include may use is known:
anything else is a NameError.
"""

import os
from pathlib import Path


class ManifestError(Exception):
    """A manifest would not do; the text names the file."""


class Manifest:
    """What manifests name, once run.

    variables: the folders behind $(PORT_DIR) and others. files: path by the name that is frozen.
    """

    def __init__(self, variables: dict[str, Path]):
        self.files: dict[str, Path] = {}
        self._variables = variables
        self._libraries = []
        self._visited = set()
        self._folder = Path()  # paths are relative to the manifest that runs
        self._described = [False]  # whether metadata() was called, for each require() under way

    def run(self, path: Path) -> dict[str, Path]:
        """Run a manifest and return the files. ManifestError if it breaks a rule."""
        self._include(str(path))
        return self.files

    def _include(self, name):
        path = self._path(name)
        if path.is_dir():
            path /= "manifest.py"
        if path in self._visited:
            return
        self._visited.add(path)
        names = {
            "metadata": self._metadata,
            "include": self._include,
            "add_library": self._add_library,
            "require": self._require,
            "package": self._package,
            "module": self._module,
            "freeze": self._freeze,
        }
        before, self._folder = self._folder, path.parent
        try:
            exec(compile(path.read_text(), path, "exec"), names)
        except ManifestError:
            raise
        except Exception as error:
            raise ManifestError(f"{path}: {error}") from error
        finally:
            self._folder = before

    def _metadata(self, **values):
        if self._described[-1]:
            raise ValueError("Duplicate call to metadata().")
        self._described[-1] = True

    def _add_library(self, name, path):
        self._libraries.append(self._path(path))

    def _require(self, name):
        for library in self._libraries:
            for folder, _, names in os.walk(library):
                if Path(folder).name == name and "manifest.py" in names:
                    self._described.append(False)
                    self._include(folder)
                    self._described.pop()
                    return
        raise ValueError(f"Package '{name}' not found in any known library.")

    def _package(self, name):
        for path in sorted(self._path(name).rglob("*.py")):
            self._add(path, path.relative_to(self._folder))

    def _module(self, name):
        self._add(self._path(name), Path(name))

    def _freeze(self, folder):
        for path in sorted(self._path(folder).rglob("*.py")):
            self._add(path, path.relative_to(self._path(folder)))

    def _add(self, path, name):
        if not path.is_file():
            raise ValueError(f"Cannot stat {path}")
        if name.as_posix() in self.files:
            raise ValueError(f"{name} is named twice")
        self.files[name.as_posix()] = path

    def _path(self, text):
        for name, value in self._variables.items():
            text = text.replace(f"$({name})", str(value))
        return (self._folder / text).resolve()
