"""`python -m tools.publish`: roll an update out, look at the fleet; `make` has the same."""

import asyncio
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from tools.package import application, container, keys
from tools.publish import PublishError, credentials, fleet, release, targets
from tools.publish.credentials import Credentials
from tools.publish.rollout import Rollout, parse_limit, parse_stages
from tools.publish.run import carry_out, kept, prepare
from tools.publish.server import Server, checked
from tools.publish.subjects import TYPES, printable
from tools.publish.table import View
from tools.release import Refused, update
from tools.release.version import current

UPDATED, STOPPED, NOT_HEARD, INTERRUPTED = 0, 1, 3, 130  # exit codes
FILE_WIDTH = 240  # columns of what goes to a file: nothing is folded

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help=__doc__,
    pretty_exceptions_show_locals=False,  # one of them may be a password
)
console = Console(highlight=False, soft_wrap=True)

ServerOption = Annotated[str, typer.Option(help="https://name, as in a browser")]
DeviceOption = Annotated[list[str], typer.Option(help="names, or patterns like pump-*; by commas")]
ProfileOption = Annotated[str, typer.Option(help="or all devices of a profile")]


@app.command()
def roll_out(
    server: ServerOption,
    package: Annotated[
        str, typer.Argument(help='a file, or "TITLE VERSION" of what the server has')
    ] = "",
    device: DeviceOption = (),
    profile: ProfileOption = "",
    stages: Annotated[str, typer.Option(help="percent of the devices, rising")] = "1,10,100",
    limit: Annotated[str, typer.Option(help="failures that stop it: a number, or like 5%")] = "1",
    minutes: Annotated[float, typer.Option(help="that a stage may take", min=0.01)] = 60,
    kind: Annotated[
        str, typer.Option("--type", help="fw or sw, if the package does not tell")
    ] = "",
    any_title: Annotated[bool, typer.Option(help="whatever the devices run now")] = False,
    key: Annotated[
        Path, typer.Option(help="without PACKAGE: the key that signs it")
    ] = keys.DEFAULT,
    sequence: Annotated[int, typer.Option(help="without PACKAGE: its sequence")] = 0,
    extras: application.With = None,
):
    """Publish a package, or this firmware, and watch until all devices are updated.

    Exit code 0: all are; 1: it was stopped, or some failed; 3: some were not heard in time.
    """
    if kind not in ("", *TYPES):
        raise PublishError(f"TYPE is {kind}; give fw or sw")
    percents = parse_stages(stages)
    parse_limit(limit, 1)
    url = checked(server)
    wanted = None
    if package and extras:
        raise PublishError("WITH is for what is built here; PACKAGE has what it was built with")
    if not package:
        data = update.build(key, current(), sequence, extras or ())
        wanted = release.from_bytes(data, kind)
    elif Path(package).exists():
        wanted = release.from_file(Path(package), kind)
    elif len(package.split()) < 2:
        raise PublishError(f"{package}: there is no such file")
    who = credentials.find(url)
    warn(url)

    async def work() -> int:
        async with Server(url, who) as there:
            try:
                meant = await chosen(there, device, profile)
                what = wanted or await release.on_server(there, package)
                boards = await prepare(there, meant, what, any_title)
            except asyncio.CancelledError:
                say("interrupted: nothing is assigned, and the same command goes on from there")
                raise
            rollout = Rollout(boards, percents, parse_limit(limit, len(boards)), 60 * minutes)
            return await watched(there, rollout, bool(profile))

    try:
        code = asyncio.run(work())
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


async def watched(server: Server, rollout: Rollout, to_profile: bool) -> int:
    """Carry a roll-out out before a person's eyes; return the exit code."""
    try:
        with View(console, lambda: server.now_ms) as view:
            why = await carry_out(server, rollout, view.show, to_profile)
    except asyncio.CancelledError:
        say(f"interrupted: {kept(rollout)}")
        raise
    if why:
        say(f"stopped: {why}; the others have their assignment from before: {rollout.summary()}")
        return STOPPED
    if rollout.open:
        say(f"not heard in time: {kept(rollout)}")
        return NOT_HEARD
    say(rollout.summary())
    return UPDATED if rollout.all_updated else STOPPED


@app.command("fleet")
def show_fleet(
    server: ServerOption,
    device: DeviceOption = (),
    profile: ProfileOption = "",
    ask: Annotated[bool, typer.Option(help="ask those that are there how they are")] = True,
):
    """Show devices: version, last contact, restarts, problem, records that wait."""
    url = checked(server)
    who = credentials.find(url)
    warn(url)

    async def work():
        async with Server(url, who) as there:
            meant = await chosen(there, device, profile, everyone=True)
            return await fleet.look(there, meant, ask), there.now_ms

    members, now_ms = asyncio.run(work())
    if not console.is_terminal:
        console.width = FILE_WIDTH
    console.print(fleet.table(members, now_ms))
    say(fleet.summary(members))


@app.command()
def login(server: ServerOption):
    """Ask for a user's name and password, try them, and keep them in this PC's keyring."""
    url = checked(server)
    warn(url)
    user = typer.prompt("user")
    password = typer.prompt("password", hide_input=True)
    who = Credentials(user, password)

    async def work():
        async with Server(url, who):
            pass

    asyncio.run(work())
    credentials.save(url, who)
    say(f"{user} is kept in the keyring for {url}")


async def chosen(server: Server, device, profile: str, everyone: bool = False):
    """Return the devices that were named."""
    patterns = [part.strip() for text in device for part in text.split(",") if part.strip()]
    if bool(patterns) + bool(profile) > 1:
        raise PublishError("name devices or a profile, not both")
    if patterns:
        return await targets.by_names(server, patterns)
    if profile:
        return await targets.of_profile(server, profile)
    if everyone:
        return await targets.everyone(server)
    raise PublishError("say who is to have it: DEVICES= names or patterns, or PROFILE=")


def warn(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not host.startswith("127.") and host not in ("localhost", "::1"):
        say(f"warning: the password goes to {host} unencrypted; use https where it is offered")


def say(text: str) -> None:
    console.print(printable(text), markup=False)


def main() -> None:
    try:
        app()
    except (PublishError, Refused, container.PackageError, keys.KeyFileError) as error:
        raise SystemExit(printable(f"publish: {error}")) from None
    except (KeyError, TypeError) as error:
        text = f"the server answers, but not as ThingsBoard does: {error!r}"
        raise SystemExit(f"publish: {text}") from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise SystemExit(f"publish: {where}{error.strerror or error}") from None


if __name__ == "__main__":
    main()
