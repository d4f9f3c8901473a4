# The shared attributes of a device, as last heard from the server. Sans-I/O.

from coap import TransferError
from micropython import const

_KEPT = const(24576)  # bytes of all names and values, where a listener wants all
_GROWN = const(4096)  # bytes of changes after which that is looked at


class SharedAttributes:
    """What the server wants the device to know: values, a dict; listeners are told of changes.

    Only what a listener wants is kept. codec reads payloads; report(what, error) takes what a
    listener raises.
    """

    def __init__(self, codec, report):
        self.values = {}
        self._bytes = 0  # bytes of changes since the size was looked at
        self._listeners = []  # (function, the names it wants or None: all)
        self.codec = codec
        self.report = report

    def listen(self, callback, names=None):
        """Call callback(changed, deleted), a dict and a list of names; names None: all."""
        self._listeners.append((callback, names and tuple(names)))

    def wanted(self):
        """Return the names that the listeners want, as a list; None: all, as if nobody listens."""
        wanted = [] if self._listeners else None
        for _, names in self._listeners:
            if names is None:
                return None
            wanted += [name for name in names if name not in wanted]
        return wanted

    def take(self, payload, full):
        """Take a notification: all shared attributes (full), or what changed.

        Raises TransferError for a payload that is none; nothing has changed then.
        """
        self.take_values(self.codec.decode("state" if full else "change", payload), full)

    def take_values(self, state, full, kept=()):
        """Take the values of a notification, a dict. kept: names that are there, unread.

        Raises TransferError if changes have made the values larger than memory: the full state is
        wanted then, of which only a part is taken.
        """
        values = self.values
        deleted = []
        if full:
            deleted = [name for name in values if name not in state and name not in kept]
        elif isinstance(state.get("deleted"), list):  # else an attribute that is named so
            deleted = state.pop("deleted")
        for name in deleted:
            values.pop(str(name), None)
        changed = {}
        wanted = self.wanted()
        for name, value in state.items():
            if wanted is not None and name not in wanted:
                continue
            known = values.get(name)
            if name not in values or known != value or type(known) is not type(value):  # 1 == True
                changed[name] = values[name] = value
        for callback, names in self._listeners:
            its = changed
            gone = deleted
            if names is not None:
                its = {name: changed[name] for name in names if name in changed}
                gone = [name for name in names if name in deleted]
            if its or gone:
                try:
                    callback(its, gone)
                except Exception as error:
                    self.report("attributes", error)
        if full or wanted is not None:
            self._bytes = 0
            return
        self._bytes += _size(changed)
        if self._bytes > _GROWN:
            self._bytes = 0
            if _size(values) > _KEPT:
                raise TransferError("more attributes than memory: name those that are wanted")


def _size(values):
    return sum([len(name) + len(repr(values[name])) for name in values])
