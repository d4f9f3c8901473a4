# Which application runs, how many tries it has, when to go back. This module runs at every boot,
# so it is small. No update replaces it, so it stands alone, outside the package abupdate; its
# methods are what the slots of every later release call, so they keep their meaning.
#
# The state is one file, replaced by one rename: a record for each kind of package, as JSON, and
# the CRC32 of that. docs/updates.md names each field. Only this module writes it. It decides by
# the record of "app", and keeps that of "firmware", where the boot loader decides. The file is
# short, a field that is as on a new board is left out: up to 512 bytes LittleFS keeps in the
# folder, and needs no free block for them.

import hashlib
import json
from binascii import b2a_base64, crc32

from micropython import const

_TRIES_MAX = const(3)
_CHANCES = const(2)  # times that the release before may do what the one on trial did not
_ERROR_MAX = const(200)  # characters
_MANIFEST_AT = const(394)  # in a header, as in abupdate/header.py

# What is known of a new board. A record has these fields, with values of these types.
_FACTORY = {"slot": "factory", "id": 0, "title": "", "version": "", "sequence": 0}
_RECORD = {
    "run": _FACTORY,
    "back": _FACTORY,
    "on_trial": False,
    "aside": False,
    "tries": 0,
    "beaten": 0,
    "floor": 0,
    "error": "",
    "failed": 0,
    "reason": "",
}


class Trial:
    """What runs on this board, and what is on trial. os is the module.

    Under root are trial.state; slot_a and slot_b, folders; and factory, the folder deployed by
    cable, which runs if nothing else can. state has the records by kind, for reading. spare is
    the folder that does not run; start() sets it.
    """

    def __init__(self, os, root="/"):
        self.os = os
        self.root = root
        self._lost = False  # whether there is no state in flash; meaningless after start()
        try:
            self.state = self._stored()
        except Exception:  # lost, empty, cut, forged, or of another layout
            self._lost = True
            self.state = self._recovered()

    def start(self, suspect=False, power_on=False):
        """Choose the application, once per boot; return its folder, to go first on sys.path.

        suspect: the last start ended by the watchdog or a crash, so damage is looked for first.
        power_on: the power had been off, which is nobody's fault: it counts as no other try.
        """
        app = self.state["app"]
        before = dict(app)
        run = app["run"]
        back = app["back"]
        counts = app["on_trial"] and not app["aside"]
        exhausted = counts and app["tries"] >= _TRIES_MAX and not power_on
        suspect = (suspect or exhausted or app["aside"]) and run != _FACTORY
        damaged = suspect and not self._is_whole(run)
        if damaged and app["aside"]:
            app.update(run=back, back=_FACTORY, aside=False)
        elif exhausted or damaged:
            if not self._is_whole(back):
                back = _FACTORY
            _go_back(app, back)
            if not damaged:  # a damaged package may come again, and is put right by that
                app.update(failed=run["id"], reason=app["error"] or "it hung")
        elif counts and not (power_on and app["tries"]):
            app["tries"] += 1
        if self._lost or app != before:
            try:
                self._save(self.state)
            except OSError:  # a full flash
                if app["on_trial"]:  # tries that are not counted have no end: not now
                    _go_back(app, back)
        slot = app["run"]["slot"]
        self.spare = "slot_b" if slot == "slot_a" else "slot_a"
        return self.root + slot

    def crashed(self, error):
        """Note why a start on trial ended; then reset the board. OSError if the flash is full.

        What is confirmed stays, however it ends: nothing is noted of it.
        """
        noted = False
        for record in self.state.values():  # either may be at fault
            if record["on_trial"] and not record["aside"]:
                record["error"] = error[:_ERROR_MAX]
                noted = True
        if noted:
            self._save(self.state)

    def interrupted(self):
        """A person stopped this start, or the network did: it was no try."""
        app = self.state["app"]
        if app["on_trial"] and not app["aside"]:
            self.change("app", {"tries": app["tries"] - 1})

    def unreached(self):
        """The application has not reached the server in its time; then reset the board.

        That may be its fault or the network's. So the other of the two takes a turn, until one of
        them reaches it. Which of them did is what confirm() goes by.
        """
        app = self.state["app"]
        if app["on_trial"]:
            tries = app["tries"] if app["aside"] else app["tries"] - 1
            swapped = {"run": app["back"], "back": app["run"], "aside": not app["aside"]}
            self.change("app", dict(swapped, tries=tries))

    def unconfirmed(self):
        """Return whether anything was activated that is not confirmed yet."""
        return self.state["app"]["on_trial"] or self.state["firmware"]["on_trial"]

    def activate(self, kind, slot, manifest, tries=0):
        """Put a package in front, on trial from the next boot on. Its files are all there.

        tries are counted already. OSError if the flash is full: then nothing has changed.
        """
        record = self.state[kind]
        fields = dict(
            _RECORD,
            run=_package(slot, manifest),
            back=record["run"],
            on_trial=True,
            tries=tries,
            floor=record["floor"],
        )
        self.change(kind, fields)

    def confirm(self, kind):
        """What runs has reached the server: it stays. OSError if the flash is full.

        Where that is the release before one on trial, True is returned as long as the one on trial
        is to have another turn: reset the board then.
        """
        record = dict(self.state[kind])
        if record["aside"]:
            record["beaten"] += 1
            again = record["beaten"] < _CHANCES
            if again:
                record.update(run=record["back"], back=record["run"], aside=False)
            else:
                failed = record["back"]["id"]
                _go_back(record, record["run"])
                record.update(failed=failed, reason="the release before reached the server")
            self.change(kind, record)
            return again
        if record["tries"]:  # else activated but not started, or confirmed before
            floor = max(record["floor"], record["run"]["sequence"])
            passed = {"on_trial": False, "tries": 0, "beaten": 0, "floor": floor, "error": ""}
            self.change(kind, passed)

    def note(self, kind, fields):
        """Change fields of a record, in flash with the next change of any."""
        self.state[kind].update(fields)

    def change(self, kind, fields):
        """Change fields of a record, in flash or not at all. OSError if the flash is full."""
        state = dict(self.state)
        state[kind] = dict(state[kind], **fields)
        self._save(state)
        self.state = state

    def check(self, slot, seen=None):
        """Compare a folder with its manifest: return (package, n).

        package is the folder's package as in a record, None unless all its files are right. The
        first n bytes of the payload are right, or may be: the file that holds the last of them
        is not whole. seen(buffer) gets what is read, in the order of the container.
        """
        n = 0
        header = self.read(slot + "/PACKAGE")
        if seen:
            seen(header)
        try:
            manifest = json.loads(header[_MANIFEST_AT : header.index(b"\n", _MANIFEST_AT)])
            for name, size, digest in _files(header):
                with open(self.root + slot + "/" + name, "rb") as f:
                    length, found = self.digest(f.readinto, seen)
                if found != digest:
                    if length < size:  # cut off, it can be continued
                        n += length
                    return None, n
                n += size
            manifest["id"] = crc32(header)
            return _package(slot, manifest), n
        except Exception:  # not there, cut off, or no manifest at all
            return None, n

    def digest(self, readinto, seen=None):
        """Read to the end; return (how many bytes, their SHA-256 in base64)."""
        n = 0
        h = hashlib.sha256()
        buf = memoryview(bytearray(512))
        while k := readinto(buf):
            n += k
            h.update(buf[:k])
            if seen:
                seen(buf[:k])
        return n, b2a_base64(h.digest())[:-1].decode()

    def read(self, name):
        """Return a file's bytes, b"" if there is none."""
        try:
            with open(self.root + name, "rb") as f:
                size = f.seek(0, 2)
                f.seek(0)
                return f.read(size)  # without its size it is read into a growing piece
        except OSError:
            return b""

    def save(self, name, data):
        """Replace a file: after a power cut it is the old or the new one."""
        name = self.root + name
        with open(name + ".tmp", "wb") as f:
            f.write(data)
        self.os.rename(name + ".tmp", name)

    def _is_whole(self, package):
        # Whether its folder still holds it. There is nothing to compare the factory copy with.
        found, _ = self.check(package["slot"])
        return found == package

    def _save(self, state):
        stored = {}
        for kind, record in state.items():
            stored[kind] = {}
            for name, value in record.items():
                if value != _RECORD[name]:
                    stored[kind][name] = value
        text = json.dumps(stored, separators=(",", ":")).encode()
        self.save("trial.state", text + crc32(text).to_bytes(4, "big"))

    def _stored(self):
        # The state in flash. Raises any exception if there is none to be believed.
        data = self.read("trial.state")
        text = data[:-4]
        if crc32(text) != int.from_bytes(data[-4:], "big"):
            raise ValueError
        state = json.loads(text)
        for kind in state:
            state[kind] = dict(_RECORD, **state[kind])
        if _shape(state) != _shape({"app": _RECORD, "firmware": _RECORD}):
            raise ValueError
        return state

    def _recovered(self):
        # Without a state: the folder with the highest sequence whose files verify, on trial. From
        # the next start on a folder runs when it is activated, not when it is complete.
        run = back = _FACTORY
        for slot in ("slot_a", "slot_b"):
            package, _ = self.check(slot)
            if package:
                if package["sequence"] >= run["sequence"]:
                    run, package = package, run
                back = package
        app = dict(_RECORD, run=run, back=back, on_trial=run != _FACTORY)
        return {"app": app, "firmware": dict(_RECORD)}


def _go_back(record, package):
    # An application was given up: this one runs, confirmed.
    record.update(run=package, back=_FACTORY, on_trial=False, aside=False, tries=0, beaten=0)


def _files(header):
    # Name, bytes and digest of each file, as in abupdate/header.py. Raises ValueError.
    end = header.index(b"\n", _MANIFEST_AT)
    while end + 1 < len(header):
        at = end + 1
        end = header.index(b"\n", at)
        name, size, digest = header[at:end].decode().split(" ")
        yield name, int(size), digest


def _package(slot, manifest):
    # A package as in a record, None if the manifest has wrong types.
    package = dict(_FACTORY, slot=slot)
    for name in ("id", "title", "version", "sequence"):
        package[name] = manifest[name]
    return package if _shape(package) == _shape(_FACTORY) else None


def _shape(value):
    # The type of a value; of a dict the types of its fields, by name.
    if type(value) is dict:
        return {name: _shape(value[name]) for name in value}
    return type(value)
