# The shared attributes of a device, as last heard from the server. Sans-I/O.


class SharedAttributes:
    """What the server wants the device to know, and who is told of changes.

    values is the dict as last heard. codec reads payloads; report(what, error) takes what a
    listener raises.
    """

    def __init__(self, codec, report):
        self.values = {}
        self._codec = codec
        self._report = report
        self._listeners = []

    def listen(self, callback):
        """Call callback(changed, deleted), a dict and a list of names, for each change."""
        self._listeners.append(callback)

    def take(self, payload, full):
        """Take a notification: all shared attributes (full), or what changed.

        Raises TransferError for a payload that is none; nothing has changed then.
        """
        values = self.values
        if full:
            state = self._codec.read_state(payload)
            deleted = [name for name in values if name not in state]
        else:
            state, deleted = self._codec.read_change(payload)
        for name in deleted:
            values.pop(str(name), None)
        changed = {}
        for name, value in state.items():
            if name not in values or values[name] != value:
                changed[name] = values[name] = value
        if changed or deleted:
            self._tell(changed, deleted)

    def _tell(self, changed, deleted):
        for callback in self._listeners:
            try:
                callback(changed, deleted)
            except Exception as error:
                self._report("attributes", error)
