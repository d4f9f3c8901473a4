# ThingsBoard's device API over CoAP for MicroPython.

from .device import Device


def provision(*args, **how):
    """Provision a device: await it for the credentials; provision.provision() says how."""
    # Loaded when asked for; the import has put the module in this function's place.
    from .provision import provision

    globals()["provision"] = provision
    return provision(*args, **how)


def run(*args, **how):
    """Keep a device in touch with its server: await it; session.run() says how."""
    from .session import run

    return run(*args, **how)
