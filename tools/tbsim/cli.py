"""The command line: a local ThingsBoard for devices on this machine, with live output."""

import json
import re
import shlex
import threading
from pathlib import Path
from typing import Annotated

import typer
from aiocoap import Message
from rich.console import Console
from rich.markup import escape

from tools.package import container

from .events import Event
from .model.devices import Device
from .model.packages import KINDS, Package
from .simulator import RPCError, Simulator

HELP = """commands: set key=value ... | delete key ... | rpc method [json] | show | loss percent |
          assign file [sw] | unassign [sw] | restart | outage | back | quit"""

PROFILE = {
    "provision_key": "demo-key",
    "provision_secret": "demo-secret",
    "strategy": "ALLOW_CREATE_NEW_DEVICES",
}

# Values that a provisioning request or its answer has.
SECRETS = re.compile(r'("(?:provisionDeviceSecret|credentialsValue|token|hash)"\s*:\s*")[^"]*')

app = typer.Typer(add_completion=False)
console = Console(highlight=False)


def describe(message: Message) -> str:
    """Return one line for a message: type, code, path without the access token, payload."""
    path = list(message.opt.uri_path)
    if path and path[0] in KINDS:
        path[1:2] = "…"
    elif len(path) > 3:
        path[2] = "…"
    parts = [message.mtype.name, str(message.code)]
    if path:
        parts.append("/" + "/".join(path))
    if message.opt.observe is not None:
        parts.append(f"observe={message.opt.observe}")
    for name, block in (("block1", message.opt.block1), ("block2", message.opt.block2)):
        if block:
            parts.append(f"{name}={block.block_number}/{int(block.more)}/{block.size}")
    if message.payload:
        payload = SECRETS.sub(r"\1…", message.payload.decode(errors="replace"))
        parts.append(payload[:120])
    return " ".join(parts)


def show(event: Event) -> None:
    """Print an event in one line, with the device's port."""
    arrow = "[cyan]→[/]" if event.up else "[green]←[/]"
    if event.message is None:
        text = f"malformed, {len(event.datagram)} bytes"
    else:
        text = describe(event.message)
    console.print(f"{arrow} {event.address[1]:5} {escape(text)}")


@app.command()
def main(
    port: Annotated[int, typer.Option(help="UDP port; 0: any free one", min=0, max=65535)] = 5683,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    token: Annotated[str, typer.Option(help="access token of the device made at start")] = "DEMO",
    loss: Annotated[float, typer.Option(help="percent lost each way", min=0, max=100)] = 0.0,
    delay: Annotated[float, typer.Option(help="milliseconds each way", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="of the link's faults")] = 1,
    at_once: Annotated[
        bool, typer.Option(help="no delays of the server's, and no chances")
    ] = False,
    quiet: Annotated[bool, typer.Option(help="do not show datagrams")] = False,
):
    """Run a ThingsBoard that answers CoAP devices; drive it by commands on standard input."""
    sim = Simulator(host, port, seed=seed, at_once=at_once)
    if not quiet:
        sim.subscribe(show)
    try:
        sim.start()
    except OSError as error:
        raise SystemExit(f"tbsim: cannot listen on {host} port {port}: {error.strerror}") from None
    sim.link.loss_up = sim.link.loss_down = loss / 100
    sim.link.delay_ms = delay
    device = sim.add_device("demo", token)
    sim.add_profile("demo", **PROFILE)
    for method in ("getTime", "getCurrentTime"):
        sim.rpc_rule(method, lambda _: {"time": sim.store.clock_ms()})
    console.print(f"ThingsBoard on coap://{host}:{sim.port}, device demo, token [b]{token}[/]")
    console.print("provisioning: key [b]demo-key[/], secret [b]demo-secret[/]")
    console.print(HELP, markup=False)
    try:
        while True:
            try:
                line = shlex.split(input())
                if line and not command(sim, device, line[0], line[1:]):
                    break
            except (ValueError, KeyError, RPCError, OSError) as error:
                console.print(f"[red]{escape(str(error)) or 'no'}[/]")
    except EOFError:
        threading.Event().wait()  # no standard input: run until interrupted
    except KeyboardInterrupt:
        pass
    finally:
        sim.close()


def command(sim: Simulator, device: Device, name: str, words: list[str]) -> bool:
    """Carry out one command; False to quit. Raises ValueError for what it does not understand."""
    if name == "set":
        pairs = [word.partition("=") for word in words]
        sim.set_shared(device, **{key: parse(value) for key, _, value in pairs})
    elif name == "delete":
        sim.delete_shared(device, *words)
    elif name == "rpc" and words:
        params = json.loads(words[1]) if len(words) > 1 else None
        console.print(sim.rpc(device, words[0], params))
    elif name == "show":
        console.print({"client": device.client_attributes, "shared": device.shared_attributes})
        console.print({"telemetry": device.latest(), "link": sim.link.counts})
    elif name == "loss" and words:
        sim.link.loss_up = sim.link.loss_down = float(words[0]) / 100
    elif name == "assign" and words:
        sim.assign(device, read_package(Path(words[0]), kind_of(words[1:])))
    elif name == "unassign":
        sim.unassign(device, kind_of(words))
    elif name == "restart":
        sim.restart()
    elif name in ("outage", "back"):
        sim.stop_answering() if name == "outage" else sim.answer_again()
    elif name == "quit":
        return False
    else:
        raise ValueError(HELP)
    return True


def kind_of(words: list[str]) -> str:
    """Return the kind of package that the rest of a line names; without a word it is fw."""
    if words not in ([], ["fw"], ["sw"]):
        raise ValueError(HELP)
    return "".join(words) or "fw"


def read_package(path: Path, kind: str) -> Package:
    """Return a file as an uploaded package, under the title and version that it has itself."""
    data = path.read_bytes()
    manifest = container.parse(data).manifest
    return Package(manifest["title"], manifest["version"], data, kind=kind)


def parse(text: str):
    """Return a JSON value, or the text itself if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text
