"""The command line: a local ThingsBoard for devices, with live output."""

import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tools.causes import cause

from . import secured
from .banner import PAGE_PORT, banner, page_banner, secure_banner, why_not
from .decoded import describe
from .events import Event
from .prompt import Prompt, help_text
from .simulator import RPCError, Simulator
from .web import WebServer, page, rest

PROFILE = {
    "provision_key": "demo-key",
    "provision_secret": "demo-secret",
    "strategy": "ALLOW_CREATE_NEW_DEVICES",
}

# A simulator may run for weeks.
EVENTS_KEPT = 2000
POINTS_KEPT = 20_000  # of each device

app = typer.Typer(add_completion=False)
console = Console(highlight=False)


def show(event: Event) -> None:
    """Print an event in one line, with the device's port."""
    arrow = "[cyan]→[/]" if event.up else "[green]←[/]"
    if event.message is None:
        text = f"malformed, {len(event.datagram)} bytes"
    else:
        text = describe(event.message)
    console.print(f"{arrow} {event.address[1]:5} {escape(text)}")


def serve_page(sim: Simulator, host: str, port: int) -> WebServer | None:
    """Serve the page and the REST API, and say where. Devices do not need it: without it, None."""
    server = WebServer(sim, [page.mount, rest.mount], host, port)
    try:
        server.start()
    except (OSError, UnicodeError) as error:
        console.print(f"no page: {why_not(error, host, port, 'PAGE')}", markup=False)
        return None
    for line in page_banner(server.host, server.port):
        console.print(line, markup=False, soft_wrap=True)
    return server


def serve_secure(sim: Simulator, port: int, token: str, folder: Path) -> None:
    """Serve over DTLS as well, and say what a device needs for it. SystemExit says why not."""
    try:
        secured.serve(sim, folder, port)
    except ValueError as error:
        raise SystemExit(f"tbsim: {error}; remove {folder}, and others are made") from None
    except OSError as error:
        why = cause(error) if error.filename else why_not(error, sim.host, port, "SECURE_PORT")
        raise SystemExit(f"tbsim: {why}") from None
    where = sim.host, sim.secure_port, sim.port
    for line in secure_banner(*where, token, folder, secured.CA, secured.DEVICE):
        console.print(line, markup=False, soft_wrap=True)


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
    page_port: Annotated[
        int,
        typer.Option(help="TCP port of the page and of REST; 0: any free one", min=0, max=65535),
    ] = PAGE_PORT,
    page_host: Annotated[
        str, typer.Option(help="address of the page; whoever reaches it can do all it does")
    ] = "127.0.0.1",
    no_page: Annotated[bool, typer.Option("--no-page", help="neither page nor REST")] = False,
    secure: Annotated[bool, typer.Option("--secure", help="over DTLS as well")] = False,
    secure_port: Annotated[
        int, typer.Option(help="UDP port for DTLS; 0: any free one", min=0, max=65535)
    ] = 5684,
    certificates: Annotated[
        Path, typer.Option(help="folder that keeps what boards trust; made if it is not there")
    ] = secured.FOLDER,
):
    """Run a ThingsBoard that answers CoAP devices; drive it by commands on standard input."""
    sim = Simulator(host, port, seed=seed, at_once=at_once)
    sim.events.most, sim.store.points_kept = EVENTS_KEPT, POINTS_KEPT
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
    if secure:
        serve_secure(sim, secure_port, token, certificates)
    server = None if no_page else serve_page(sim, page_host, page_port)
    console.print(help_text(), markup=False)
    prompt = Prompt(sim, device, console)
    try:
        while True:
            try:
                if not prompt.obey(input()):
                    break
            except (ValueError, RPCError, OSError) as error:
                console.print(f"[red]{escape(cause(error)) or 'no'}[/]")
    except EOFError:
        threading.Event().wait()  # no standard input: run until interrupted
    except KeyboardInterrupt:
        pass
    finally:
        if server:
            server.close()
        sim.close()
