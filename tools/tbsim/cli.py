"""The command line: a local ThingsBoard for devices, with live output."""

import re
import threading
from typing import Annotated

import typer
from aiocoap import Message
from rich.console import Console
from rich.markup import escape

from .banner import banner, why_not
from .events import Event
from .model.packages import KINDS
from .prompt import Prompt, help_text
from .simulator import RPCError, Simulator

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
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
        raise SystemExit(f"tbsim: {why_not(error, host, port)}") from None
    sim.link.loss_up = sim.link.loss_down = loss / 100
    sim.link.delay_ms = delay
    device = sim.add_device("demo", token)
    sim.add_profile("demo", **PROFILE)
    for method in ("getTime", "getCurrentTime"):
        sim.rpc_rule(method, lambda _: {"time": sim.store.clock_ms()})
    provisioning = PROFILE["provision_key"], PROFILE["provision_secret"]
    for line in banner(host, sim.port, token, *provisioning):
        console.print(line, markup=False, soft_wrap=True)  # to be copied
    console.print(help_text(), markup=False)
    prompt = Prompt(sim, device, console)
    try:
        while True:
            try:
                if not prompt.obey(input()):
                    break
            except (ValueError, RPCError, OSError) as error:
                console.print(f"[red]{escape(str(error)) or 'no'}[/]")
    except EOFError:
        threading.Event().wait()  # no standard input: run until interrupted
    except KeyboardInterrupt:
        pass
    finally:
        sim.close()
