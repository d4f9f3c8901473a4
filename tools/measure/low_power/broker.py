"""Debian's mosquitto as the MQTT broker, in the background."""

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from tools.measure.low_power.line import NEAR, free_port

START_S = 10
TICK_S = 0.05


@contextmanager
def broker(folder: Path, certificate: Path, key: Path):
    """Give the ports of a broker without TLS and with it; OSError if it does not start."""
    ports = free_port(), free_port()
    configuration = folder / "mosquitto.conf"
    # In a network of its own there is nobody to keep out, and in a user's there is no other user.
    configuration.write_text(
        f"user root\nallow_anonymous true\nlog_type error\n"
        f"listener {ports[0]} {NEAR}\n"
        f"listener {ports[1]} {NEAR}\ncertfile {certificate}\nkeyfile {key}\n"
    )
    said = folder / "mosquitto.log"
    with said.open("w") as log:
        process = subprocess.Popen(["mosquitto", "-c", configuration], stdout=log, stderr=log)
    try:
        for port in ports:
            _await(process, port, said)
        yield ports
    finally:
        process.terminate()
        process.wait()


def _await(process, port, said):
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection((NEAR, port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"mosquitto does not start: {said.read_text()}") from None
        time.sleep(TICK_S)
