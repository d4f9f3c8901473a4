# Which application runs, how many tries it has, when to go back. Read at every boot, so small;
# never replaced by an update, so a module of its own, outside the package.
#
# The state is one file (JSON and its CRC32), replaced by one rename. It has a record for each kind
# of package; this module decides by that of "app", and keeps that of "firmware", where the boot
# loader decides.

import hashlib
import json
from binascii import b2a_base64, crc32

from micropython import const

_TRIES_MAX = const(3)
_ERROR_MAX = const(200)
_ID = const(10)  # in a header: abupdate/image.py draws it
_MANIFEST = const(394)

# A record:
_RUN = const(0)  # the package that runs: [slot, id, title, version, sequence]
_BACK = const(1)  # the one to go back to
_TRIAL = const(2)  # whether run is not confirmed yet
_TRIES = const(3)  # its starts without a confirmation; once confirmed, its crashes in a row
_FLOOR = const(4)  # the highest sequence that was confirmed
_ERROR = const(5)  # how the last start ended
_FAILED = const(6)  # [id, reason] of the package that is not taken again

_FACTORY = ["factory", 0, "", "", 0]


class Trial:
    """What runs on this board, and what is on trial. os is the module.

    Under root are trial.state; slot_a and slot_b, folders; and factory, the folder
    deployed by cable, which runs if nothing else can. spare is the folder that does not run.
    """

    def __init__(self, os, root="/"):
        self.os = os
        self.root = root
        data = self.read("trial.state")
        try:
            if crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
                raise ValueError
            self.state = json.loads(data[:-4])
            self.state["app"][_FAILED], self.state["firmware"][_FAILED]
        except (ValueError, TypeError, LookupError):  # lost, empty, cut, forged
            self._recover()

    def start(self, suspect=False):
        """Choose the application, once per boot; return its folder, to go first on sys.path.

        suspect: the last start ended by the watchdog, so look for damage first.
        """
        r = self.state["app"]
        before = r[:]
        run, back = r[:_TRIAL]
        failed = r[_TRIES] >= _TRIES_MAX
        damaged = (failed or suspect) and self.check(run[0])[0] != run
        if failed or damaged:
            if self.check(back[0])[0] != back:
                back = _FACTORY
            r[:_FLOOR] = [back, _FACTORY, False, 0]
            if not damaged:  # else it may come again, and is put right
                r[_FAILED] = [run[1], r[_ERROR]]
        if r[_TRIAL]:
            r[_TRIES] += 1
        if r != before:
            try:
                self._save()
            except OSError:  # a full flash
                if r[_TRIAL]:  # its tries would have no end: not now
                    r[:_FLOOR] = [back, _FACTORY, False, 0]
        slot = r[_RUN][0]
        self.spare = "slot_b" if slot == "slot_a" else "slot_a"
        return self.root + slot

    def crashed(self, error):
        """Note how this start ended; then reset the board."""
        if not self.unconfirmed():
            self.state["app"][_TRIES] += 1
        for r in self.state.values():
            r[_ERROR] = error[:_ERROR_MAX]
        self._save()

    def interrupted(self):
        """A person stopped this start: it was no try."""
        r = self.state["app"]
        if r[_TRIAL]:
            r[_TRIES] -= 1
            self._save()

    def unconfirmed(self):
        """Return whether anything is on trial."""
        return self.state["app"][_TRIAL] or self.state["firmware"][_TRIAL]

    def confirm(self, kind):
        """What runs has reached the server: it stays."""
        r = self.state[kind]
        # No tries yet: activated, but not started. Firmware that is not on trial keeps those of
        # the package that the boot loader gave up.
        if r[_TRIES] and (r[_TRIAL] or kind == "app"):
            floor = max(r[_FLOOR], r[_RUN][4])
            self._replace(r, r[:_TRIAL] + [False, 0, floor] + r[_ERROR:])

    def activate(self, kind, slot, manifest, tries=0):
        """Put a package in front, on trial from the next boot on. Its files are all there."""
        r = self.state[kind]
        error = "it never reached the server"  # unless we learn more
        run = _package(slot, manifest)
        self._replace(r, [run, r[_RUN], True, tries, r[_FLOOR], error, [0, ""]])

    def refuse(self, kind, id, reason):
        """Do not take a package again."""
        self.state[kind][_FAILED] = [id, reason]
        self._save()

    def check(self, slot, seen=len):
        """Compare a folder with its manifest: return (package, n).

        package is None unless all files are right. The first n bytes of the payload are, or may
        be: the file that holds the last of them is not whole. seen(buffer) gets what is read, in
        the order of the container; len serves for nobody.
        """
        n = 0
        header = self.read(slot + "/PACKAGE")
        seen(header)
        try:
            m = json.loads(header[_MANIFEST:])
            for name, size, digest in m["files"]:
                with open(self.root + slot + "/" + name, "rb") as f:
                    have, found = self.digest(f.readinto, seen)
                if found != digest:
                    return None, n + have * (have < size)
                n += size
            m["id"] = int.from_bytes(header[_ID : _ID + 7], "big")
            return _package(slot, m), n
        except Exception:  # not there, cut off, or no manifest at all
            return None, n

    def digest(self, readinto, seen):
        """Read to the end; return (how many bytes, their SHA-256 in base64)."""
        n = 0
        h = hashlib.sha256()
        buf = memoryview(bytearray(512))
        while k := readinto(buf):
            n += k
            h.update(buf[:k])
            seen(buf[:k])
        return n, b2a_base64(h.digest())[:-1].decode()

    def read(self, name):
        """Return a file's bytes, b"" if there is none."""
        try:
            with open(self.root + name, "rb") as f:
                return f.read()
        except OSError:
            return b""

    def save(self, name, data):
        """Replace a file: after a power cut it is the old or the new one."""
        name = self.root + name
        with open(name + ".tmp", "wb") as f:
            f.write(data)
        self.os.rename(name + ".tmp", name)

    def _replace(self, r, new):
        # A record, in flash or not at all: who asked for it may try again.
        old = r[:]
        r[:] = new
        try:
            self._save()
        except OSError:
            r[:] = old
            raise

    def _save(self):
        data = json.dumps(self.state).encode()
        self.save("trial.state", data + crc32(data).to_bytes(4, "big"))

    def _recover(self):
        # Without a state: the folder with the highest sequence whose files verify, on trial.
        run = back = _FACTORY
        for slot in ("slot_a", "slot_b"):
            found, _ = self.check(slot)
            if found:
                if found[4] >= run[4]:
                    run, found = found, run
                back = found
        self.state = {
            "app": [run, back, run[0] != "factory", 0, 0, "", [0, ""]],
            "firmware": [_FACTORY, _FACTORY, False, 0, 0, "", [0, ""]],
        }
        try:
            self._save()  # from now on a folder runs when activated, not when it is complete
        except OSError:
            pass  # a full flash; the next boot tries again


def _package(slot, m):
    # As in a record. Raises TypeError for a sequence that is no number.
    return [slot, m["id"], m["title"], m["version"], 0 + m["sequence"]]
