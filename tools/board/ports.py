"""Which serial port the board is at."""

from pathlib import Path

from serial.tools import list_ports

# The makers of the USB chips on boards: Raspberry Pi, Espressif, and those of serial adapters.
MAKERS = {0x2E8A, 0x303A, 0x10C4, 0x1A86, 0x0403, 0x067B}


def find(port: str | None = None) -> str:
    """Return the port that was given, or the one at which a board is.

    Raises ValueError: there is no such port, no board or more than one; the text says what to do.
    """
    if port:
        if "://" not in port and not port.upper().startswith("COM") and not Path(port).exists():
            raise ValueError(f"no port {port}; there are {_named(list_ports.comports())}")
        if Path(port).is_file() or Path(port).is_dir():
            raise ValueError(f"{port} is no port; there are {_named(list_ports.comports())}")
        return port
    found = [one for one in list_ports.comports() if one.vid in MAKERS]
    if len(found) == 1:
        return found[0].device
    if found:
        raise ValueError(f"more than one board: say which by PORT=; there are {_named(found)}")
    raise ValueError("no board at any port: plug one in, or name its port by PORT=")


def _named(ports) -> str:
    return ", ".join(f"{one.device} ({one.description})" for one in ports) or "none"
