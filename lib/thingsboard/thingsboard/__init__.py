# ThingsBoard's device API over CoAP for MicroPython.

from .device import Device
from .jobs import run

_LAZY = {"provision": "provisioning", "Updater": "updater"}  # by the modules that hold them


def __getattr__(name):
    # What not every device needs is loaded when it is asked for.
    if name not in _LAZY:
        raise AttributeError(name)
    module = __import__(_LAZY[name], globals(), None, (name,), 1)
    value = globals()[name] = getattr(module, name)
    return value
