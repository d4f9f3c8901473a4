"""What `make sim` says at its start: where it is, and what settings.json of a board wants."""

import errno
import json
import socket
from pathlib import Path

import ifaddr

ANY = "0.0.0.0"
PAGE_PORT = 8080  # of the page, unless another is asked for
TIME_PORT = 5683  # where a board without a clock asks for the time, unless it is told another


def own_addresses() -> dict[str, str]:
    """Return this PC's IPv4 addresses by which others may reach it, with the adapters' names."""
    return {
        ip.ip: adapter.nice_name
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if isinstance(ip.ip, str) and not ip.ip.startswith(("127.", "169.254."))
    }


def banner(host: str, port: int, token: str, key: str, secret: str) -> list[str]:
    """Return lines for a person. host: as listened on; the others: what a device needs."""
    lines = [f"ThingsBoard on coap://{host}:{port}, device demo"]
    server = reached_at(host)
    if host == ANY:
        own = own_addresses()
        if not own:
            lines.append("this PC has no address in a network: no board can reach it")
        if len(own) > 1:
            named = ", ".join(f"{address} ({name})" for address, name in own.items())
            lines.append(f"server is the one of these that is in the board's network: {named}")
    elif host.startswith("127.") or host == "localhost":
        lines.append("only programs on this PC reach it; make sim HOST=0.0.0.0 lets boards in")
    settings = {"server": server, "port": port, "access_token": token}
    lines.append("settings.json of a device; a board has wifi_ssid and wifi_password as well:")
    lines.append("  " + json.dumps(settings))
    lines.append("or, for one that is to be provisioned, in the place of access_token:")
    lines.append(f'  "provision_key": {json.dumps(key)}, "provision_secret": {json.dumps(secret)}')
    return lines


def reached_at(host: str) -> str:
    """Return an address by which devices reach a server that listens on host."""
    return next(iter(own_addresses()), "127.0.0.1") if host == ANY else host


def secure_banner(
    host: str, port: int, plain_port: int, token: str, folder: Path, ca: str, device: str
) -> list[str]:
    """Return lines for a person: where it is over DTLS. ca, device: stems of files in folder."""
    settings = {"server": f"coaps://{reached_at(host)}", "port": port}
    if plain_port != TIME_PORT:
        settings["time_port"] = plain_port
    settings |= {"access_token": token, "trusted": f"{ca}.cert.der"}
    own = {"certificate": f"{device}.cert.der", "key": f"{device}.key.der"}
    return [
        f"over DTLS on coaps://{host}:{port}; the certificates are in {folder}",
        "settings.json of a device, which wants that file beside it:",
        "  " + json.dumps(settings),
        "or, for device demo-x509, in the place of access_token, with these files as well:",
        "  " + json.dumps(own)[1:-1],
    ]


def page_url(host: str = "127.0.0.1", port: int = PAGE_PORT) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def page_banner(host: str, port: int) -> list[str]:
    """Return lines that say where the page is, and who can use it. host: as listened on."""
    hosts = ["127.0.0.1", *own_addresses()] if host == ANY else [host]
    lines = ["page on " + " and ".join(page_url(host, port) for host in hosts)]
    if not host.startswith("127.") and host not in ("localhost", "::1"):
        lines.append("whoever reaches the page can do all that it does")
    return lines


def why_not(error: OSError | UnicodeError, host: str, port: int, option: str = "PORT") -> str:
    """Return why it cannot listen, and what to do, in a sentence. option: make's for the port."""
    if isinstance(error, (socket.gaierror, UnicodeError)) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this PC; HOST=0.0.0.0 stands for all that it has"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is taken: end the program that uses it, "
            f"or take another, such as make sim {option}={port % 65535 + 1}"
        )
    if error.errno == errno.EACCES:
        return f"port {port} is not for everybody; take one from 1024 on by {option}="
    return f"cannot listen on {host} port {port}: {error.strerror}"
