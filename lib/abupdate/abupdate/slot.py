# Where a package goes: what all slots have in common, and what each does in its own way.

from . import Refused


class Slot:
    """The place for packages of one kind. trial is the started Trial, board this board's name.

    The order of calls: begin(), write() until all bytes are there, finish(), activate(), then a
    reset of the board. After abort(), or a power cut, begin() tells how much is there. Once what
    runs has reached its server: confirm(), before any new update.
    """

    kind = ""  # of its packages, as in their manifests
    header_file = ""  # the name of the file with the header, below the root
    _manifest = {}  # of what was begun; meaningless before begin()

    def __init__(self, trial, board):
        self.trial = trial
        self.board = board

    def current(self):
        """Return (title, version) of what runs; both are empty if unknown."""
        return self.trial.current(self.kind)

    def on_trial(self):
        """Return whether what runs is on trial: started, and not confirmed yet."""
        return self.trial.on_trial(self.kind)

    def confirm(self):
        """What runs has reached the server: it stays."""
        self.trial.confirm(self.kind)

    def stored(self):
        """Return the header of the package that the slot holds, whole or begun; b"" if none."""
        return self.trial.read(self.header_file)

    def begin(self, manifest):
        """Make room for a package (image.parse); return how much of its payload is there already.

        Raises Refused, before anything has changed, for what this board must not install.
        """
        if manifest["kind"] != self.kind:
            raise Refused("this slot takes %s, not %s" % (self.kind, manifest["kind"]))
        if self.board not in manifest["boards"]:
            raise Refused("this board is %s, not %s" % (self.board, manifest["boards"]))
        objection = self.trial.objection(self.kind, manifest)
        if objection:
            raise Refused(objection)
        self._manifest = manifest
        return self._begin()

    def finish(self, seen=None):
        """Read all back. Raises Refused if it is not what was signed.

        seen(buffer) gets the bytes of the package, header and payload, in order.
        """
        if not self._is_right(seen):
            raise Refused("the content does not match")

    def write(self, buf):
        """Take the next bytes of the payload. OSError if the flash does not."""
        raise NotImplementedError

    def activate(self):
        """Let the next start run the package, on trial. OSError if the flash is full."""
        raise NotImplementedError

    def abort(self):
        """Leave what is there, for begin() to go on with."""
        raise NotImplementedError

    def _begin(self):
        # What begin() does once nothing speaks against the package.
        raise NotImplementedError

    def _is_right(self, seen):
        # Whether what is in the slot is what the manifest says.
        raise NotImplementedError
