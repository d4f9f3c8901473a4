"""A network of one's own for a command, by util-linux's unshare: as root, or where users may."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.measure.low_power.line import DEVICE

TOOLS = {"unshare": "util-linux", "ip": "iproute2", "mosquitto": "mosquitto"}
SYSTEM_TOOLS = ":/usr/sbin:/sbin"  # not every user's path has them


def environment() -> dict[str, str]:
    """Return the environment in which the tools are found."""
    return {**os.environ, "PATH": os.environ.get("PATH", "") + SYSTEM_TOOLS}


def alone(*command: str) -> list[str]:
    """Return the command that runs another in a network where nothing else is."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *user, "--net", *command]


def missing() -> str:
    """Return in a few words what there is not; "" if all is there."""
    path = environment()["PATH"]
    packages = [package for name, package in TOOLS.items() if not shutil.which(name, path=path)]
    if packages:
        return f"that wants Debian's {', '.join(packages)}"
    if not Path(DEVICE).exists():
        return f"that wants {DEVICE}, which Linux has with the module tun"
    tried = subprocess.run(alone("true"), env=environment(), capture_output=True)
    if tried.returncode:
        return "that wants root, or a Linux on which users may have networks of their own"
    return ""
