# Where a package goes: what the slots have in common.

from micropython import const

from . import Refused

_PIECE = const(256)  # bytes of a header


class Slot:
    """The place for packages of one kind, as in their manifests.

    trial is the started Trial, board this board's name; header_file, below the root, holds the
    header of the package in the slot.

    Each slot adds begin(), write(), finish(), activate() and abort(). The order of calls: begin(),
    write() until all bytes are there, finish(), activate(), then a reset of the board. After
    abort(), or a power cut, begin() tells how much is there. Once what runs has reached its
    server: confirm(), before any new update.
    """

    def __init__(self, trial, board, kind, header_file):
        self.trial = trial
        self.board = board
        self.kind = kind
        self.header_file = header_file
        self._manifest = {}  # of what was begun; meaningless before begin()

    def current(self):
        """Return (title, version) of what runs; both are empty if unknown."""
        run = self.trial.state[self.kind]["run"]
        return run["title"], run["version"]

    def on_trial(self):
        """Return whether what runs is on trial: activated, started and not confirmed yet."""
        record = self.trial.state[self.kind]
        return record["on_trial"] and record["tries"] > 0 and not record["aside"]

    def confirm(self):
        """What runs has reached the server: it stays. OSError if the flash is full.

        True: reset the board now, another release is to have its turn (Trial.confirm).
        """
        return self.trial.confirm(self.kind)

    def note(self, checksum):
        """Keep the server's checksum of what is to be activated. OSError if the flash is full."""
        text = "%d %s" % (self._manifest["id"], checksum)
        self.trial.save(self.kind + ".checksum", text.encode())

    def differs(self, checksum):
        """Return whether a package of this checksum is known to be another one than what runs.

        It is if what runs was noted with another one, or if what was noted with this one does not
        run: it was taken back.
        """
        noted = self.trial.read(self.kind + ".checksum").split(b" ", 1)
        if len(noted) < 2:
            return False
        runs = str(self.trial.state[self.kind]["run"]["id"]).encode()
        return (noted[0] == runs) != (noted[1] == checksum.encode())

    def stored(self):
        """Return the header of the package that the slot holds, whole or begun; b"" if none."""
        return self.trial.read(self.header_file)

    def holds(self, header, whole=True):
        """Return whether stored() is this header; of a beginning, whole=False, whether it has it.

        It is read in small pieces: where memory is short there is no place for a second header.
        """
        try:
            with open(self.trial.root + self.header_file, "rb") as f:
                for at in range(0, len(header), _PIECE):
                    piece = header[at : at + _PIECE]
                    if f.read(len(piece)) != piece:
                        return False
                return not (whole and f.read(1))
        except OSError:
            return False

    def _admit(self, manifest):
        # What every begin() does first. Raises Refused for what this board must not install.
        record = self.trial.state[self.kind]
        if manifest["kind"] != self.kind:
            raise Refused("this slot takes %s, not %s" % (self.kind, manifest["kind"]))
        if self.board not in manifest["boards"]:
            boards = " or ".join(manifest["boards"])
            raise Refused("this board is %s, the package is for %s" % (self.board, boards))
        if self.trial.unconfirmed():
            raise Refused("the last update is still on trial")
        if manifest["id"] == record["failed"]:
            raise Refused("it failed here before: " + record["reason"])
        if manifest["sequence"] < record["floor"]:
            raise Refused("sequence %d is older than %d" % (manifest["sequence"], record["floor"]))
        self._manifest = manifest
