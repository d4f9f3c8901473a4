"""A package, and what the simulator has, for the tests of tools.publish."""

from tools.package import container

VERSION = "v1.1"


def made(key, path, **changes):
    """Write a package that boards take, or one that is changed."""
    fields = {"kind": "app", "title": "demo", "version": VERSION, "sequence": 2} | changes
    fields.setdefault("boards", ["UNIX"])
    path.write_bytes(container.build(key, [("app/__init__.py", b"VERSION = 1\n")], **fields))
    return path


def assigned(sim):
    return [name for name, device in sim.store.devices.items() if device.packages]


def devices(sim):
    return list(sim.store.devices.values())
