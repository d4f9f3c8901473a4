# The shared attributes of a device, as last heard from the server. Sans-I/O.


class SharedAttributes:
    """What the server wants the device to know: values, a dict; listeners are told of changes.

    codec reads payloads; report(what, error) takes what a listener raises.
    """

    def __init__(self, codec, report):
        self.values = {}
        self.listeners = []  # functions of (changed, deleted), a dict and a list of names
        self.codec = codec
        self.report = report

    def take(self, payload, full):
        """Take a notification: all shared attributes (full), or what changed.

        Raises TransferError for a payload that is none; nothing has changed then.
        """
        values = self.values
        state = self.codec.decode("state" if full else "change", payload)
        deleted = []
        if full:
            deleted = [name for name in values if name not in state]
        elif isinstance(state.get("deleted"), list):  # else an attribute that is named so
            deleted = state.pop("deleted")
        for name in deleted:
            values.pop(str(name), None)
        changed = {}
        for name, value in state.items():
            known = values.get(name)
            if name not in values or known != value or type(known) is not type(value):  # 1 == True
                changed[name] = values[name] = value
        if changed or deleted:
            for listener in self.listeners:
                try:
                    listener(changed, deleted)
                except Exception as error:
                    self.report("attributes", error)
