"""Certificates and keys in a folder, and what a device is told of them."""

import datetime
import json
from pathlib import Path

from tools import certificates
from tools.unixport import environment

DEVICE = Path(__file__).with_name("device")  # holds secured.py, which runs there
HOSTS = ("localhost", "127.0.0.1")


def make(folder: Path) -> Path:
    """Fill a folder with what a CA, servers and a device have; return it."""
    ca = certificates.make("ca", is_ca=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    made = {
        "ca": ca,
        "stranger": certificates.make("stranger", is_ca=True),
        "server": certificates.make("server", ca, HOSTS),
        "expired": certificates.make("server", ca, HOSTS, begins=now - 9 * day, days=2),
        "early": certificates.make("server", ca, HOSTS, begins=now + 2 * day),
        "device": certificates.make("device"),
        "signed_device": certificates.make("device", ca),
    }
    for name, identity in made.items():
        certificates.write(identity, folder, name)
    return folder


def trusting(folder: Path, ca: str = "ca", device: str | None = None, **more) -> dict:
    """Return the arguments of a Security, with names of files for bytes."""
    names = {"trusted": ca + ".cert.der"}
    if device:
        names |= {"certificate": device + ".cert.der", "key": device + ".key.der"}
    return {key: str(folder / name) for key, name in names.items()} | more


def told(*folders: Path, security: dict | None) -> dict:
    """Return the environment of the unix port, where secured.security() finds its arguments."""
    return environment(*folders, DEVICE) | {"SECURITY": json.dumps(security)}
