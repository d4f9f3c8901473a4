"""Boards in the field that run the firmware, and releases of it to update them with."""

import json
import shutil
import threading

from tools import boards
from tools.board import stage
from tools.package import application, container, keys, releases
from tools.release.version import current
from tools.tbsim import Package
from tools.vboard import Board, app_image

DEPLOYED = current()  # the version of what is deployed by cable


class Field:
    """A signing key, packages made once each, and boards with the firmware of this tree."""

    def __init__(self, folder):
        self.folder = folder
        self.key = keys.create(folder / "key.pem")
        self._built = {}
        self._lock = threading.Lock()

    def package(self, version, sequence=2, fault="", kind="fw", edits=(), board="UNIX", extras=()):
        """Return the package of a release for a board; edits are (file, old text, new text)."""
        key = version, sequence, fault, edits, board, tuple(extras)
        with self._lock:  # each is built once, for whoever wants it first
            if key not in self._built:
                sources = releases.copy(self.folder / f"release-{len(self._built)}", version)
                releases.edit(sources / "app/__init__.py", "", fault)
                for name, old, new in edits:
                    releases.edit(sources / name, old, new)
                names = None if board == "UNIX" else [boards.load(board).build]
                package = releases.build(
                    sources,
                    self.key,
                    version=version,
                    sequence=sequence,
                    boards=names,
                    extras=extras,
                )
                self._built[key] = package.data
        return Package(releases.TITLE, version, self._built[key], kind=kind)

    def _staged(self, board, extras):
        # The folder with what a kind of board gets, settings apart; made once.
        root = self.folder / "-".join(["root", board, *sorted(extras)])
        with self._lock:
            if not root.exists():
                public_keys = keys.public_bytes(self.key)
                stage.stage(root, boards.load(board), {}, public_keys, extras=extras)
                (root / "factory" / releases.DROPPED).write_text("")
        return root

    def firmware_package(self, version, sequence=2):
        """Return a package with an ESP32 image."""
        data = container.build(
            self.key,
            [("micropython.bin", app_image(version))],
            kind="firmware",
            title="micropython",
            version=version,
            boards=[boards.load("ESP32_GENERIC-OTA").build],
            sequence=sequence,
        )
        return Package("micropython", version, data)

    def board(self, image, sim, board="UNIX", conditions=None, **settings):
        """Return a board, switched off, whose access token is the name of its image file.

        conditions: more arguments of Board: its network, console, clock.
        """
        root = image.with_suffix(".root")
        shutil.copytree(self._staged(board, application.wanted(settings)), root)
        board = Board(image, board=board, **(conditions or {}))
        settings = {
            "server": sim.host,
            "port": sim.port,
            "access_token": image.stem,
            "interval": 1,
            **settings,
        }
        (root / "settings.json").write_text(json.dumps(settings))
        board.format()
        board.deploy(root, compiled=False)
        return board


def told(device, key):
    """Return the values of a telemetry key, in the order in which the server got them."""
    return [value for _, name, value in list(device.telemetry) if name == key]


def version(sim, device):
    """Return the version of the application, as it answers itself."""
    assert sim.until(lambda: sim.observes(device, "rpc"), 20)
    return sim.rpc(device, "getInfo")["version"]
