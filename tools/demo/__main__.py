"""Runs the steps, a line each; writes build/demo.json; exits with 1 if one failed."""

import contextlib
import json
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from tools.demo.stage import Failed, Stage
from tools.demo.steps import STEPS
from tools.tbsim import RPCError
from tools.tbsim.banner import page_url
from tools.unixport import BUILD
from tools.vboard import BoardError

RESULT = BUILD / "demo.json"

console = Console(highlight=False)


def play(stage: Stage) -> list[dict]:
    """Run all steps until one fails; those after it are reported as not reached."""
    results = []
    for name, step in STEPS:
        began = time.monotonic()
        if results and not results[-1]["ok"]:
            ok, detail = False, "not reached"
        else:
            try:
                with shown(stage, name, step.__doc__.splitlines()[0]):
                    ok, detail = True, step(stage)
            except (Failed, BoardError, RPCError) as error:
                ok, detail = False, f"{type(error).__name__}: {error}"
        seconds = round(time.monotonic() - began, 2)
        results.append({"name": name, "ok": ok, "seconds": seconds, "detail": detail})
        mark = "[green]✔[/]" if ok else "[red]✘[/]"
        console.print(
            f"{mark} [b]{name}[/] [dim]{seconds:.1f} s[/] {escape(detail)}", soft_wrap=True
        )
    return results


@contextlib.contextmanager
def shown(stage: Stage, name: str, text: str):
    """Show what goes on, and a bar with a text when the stage tells of progress."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20)
    columns += TaskProgressColumn(), TextColumn("{task.fields[said]}")
    columns += (TextColumn(f"[dim]{escape(text)}"),)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bars:
        bar = bars.add_task(escape(name), total=None, said="")
        stage.progress = lambda done, total, said: bars.update(
            bar, completed=done, total=total, said=said
        )
        yield


def main(secure: bool = False) -> int:
    console.print(
        "[dim]first a signing key is drawn, the firmware compiled and a flash formatted: "
        "some seconds without a word[/]"
    )
    with Stage(secure=secure) as stage:
        scheme, port = ("coaps", stage.sim.secure_port) if secure else ("coap", stage.sim.port)
        console.print(
            f"ThingsBoard simulator on {scheme}://{stage.sim.host}:{port}, a virtual board; "
            f"watch it at {stage.page.url}",
            soft_wrap=True,
        )
        results = play(stage)
    ok = all(result["ok"] for result in results)
    RESULT.write_text(json.dumps({"steps": results, "ok": ok}, indent=1) + "\n")
    console.print(f"{'all steps passed' if ok else 'FAILED'}; {RESULT.relative_to(BUILD.parent)}")
    console.print(
        f"the same page for a board of yours: make sim, then {page_url()}", soft_wrap=True
    )
    return 0 if ok else 1


def command(
    secure: Annotated[
        bool, typer.Option("--secure", help="a certificate of its own, and Protobuf")
    ] = False,
):
    """Play the demo; exit with 1 if a step failed."""
    raise SystemExit(main(secure))


if __name__ == "__main__":
    typer.run(command)
