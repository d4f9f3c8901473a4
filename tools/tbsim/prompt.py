"""The prompt of `make sim`: one line is one command.

A command is a word of COMMANDS and the rest of its line. JSON in that rest needs no quotes of a
shell, and may have them. What is wrong is a ValueError that says what was expected, and changes
nothing.
"""

import difflib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tools.package import container

from .model.devices import Device
from .model.packages import KINDS, Package
from .simulator import Simulator

# Word: what follows it, and what it does.
COMMANDS = {
    "set": ("key=value ...", "set shared attributes; a value is JSON, or else text"),
    "delete": ("key ...", "delete shared attributes"),
    "rpc": ("method [JSON]", "send a command, show the reply"),
    "show": ("", "show attributes, latest telemetry and what the link lost"),
    "loss": ("percent", "lose so many of 100 datagrams each way; 0: none"),
    "assign": ("file [fw|sw]", "assign a package of tools.package build"),
    "unassign": ("[fw|sw]", "take an assignment away"),
    "restart": ("", "restart the server"),
    "outage": ("", "answer nothing"),
    "back": ("", "answer again"),
    "help": ("", "show this"),
    "quit": ("", "end"),
}


def help_text() -> str:
    """Return a line for each command."""
    heads = {word: f"{word} {follows}".rstrip() for word, (follows, _) in COMMANDS.items()}
    width = max(map(len, heads.values()))
    return "\n".join(f"{heads[word]:{width}}  {does}" for word, (_, does) in COMMANDS.items())


@dataclass
class Prompt:
    """What a person at the prompt acts on."""

    sim: Simulator
    device: Device
    console: Console

    def obey(self, line: str) -> bool:
        """Carry out a line; False to quit.

        Raises ValueError for what it does not understand, OSError, RPCError.
        """
        name, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if not name:
            return True
        if name not in COMMANDS:
            near = difflib.get_close_matches(name.lower(), COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else "help lists them"
            raise ValueError(f"no command {name}; {hint}")
        if name == "quit":
            return False
        if rest and not COMMANDS[name][0]:
            raise ValueError(f"{name} stands alone, without {rest}")
        try:
            getattr(self, "do_" + name)(rest)
        except RecursionError:
            raise ValueError(f"{name}: JSON that is nested too deeply") from None
        return True

    def do_set(self, rest: str) -> None:
        self.sim.set_shared(self.device, **pairs(rest))

    def do_delete(self, rest: str) -> None:
        keys = words("delete", rest)
        known = self.device.shared_attributes
        if not keys:
            raise usage("delete")
        if missing := [key for key in keys if key not in known]:
            raise ValueError(f"no shared attribute {missing[0]}; there are: {', '.join(known)}")
        self.sim.delete_shared(self.device, *keys)

    def do_rpc(self, rest: str) -> None:
        method, _, text = rest.partition(" ")
        if not method:
            raise usage("rpc")
        self.console.print(self.sim.rpc(self.device, method, params(text.strip())), markup=False)

    def do_show(self, _) -> None:
        device = self.device
        print_ = self.console.print
        print_({"client": device.client_attributes, "shared": device.shared_attributes})
        print_({"telemetry": device.latest(), "link": self.sim.link.counts})

    def do_loss(self, rest: str) -> None:
        try:
            percent = float(rest.removesuffix("%"))
        except ValueError:
            raise usage("loss") from None
        if not 0 <= percent <= 100:
            raise ValueError(f"loss: {rest} is not in the range of 0 to 100")
        self.sim.link.loss_up = self.sim.link.loss_down = percent / 100

    def do_assign(self, rest: str) -> None:
        path, *kind = words("assign", rest) or [""]
        if not path:
            raise usage("assign")
        self.sim.assign(self.device, read_package(Path(path), kind_of("assign", kind)))

    def do_unassign(self, rest: str) -> None:
        self.sim.unassign(self.device, kind_of("unassign", words("unassign", rest)))

    def do_restart(self, _) -> None:
        self.sim.restart()

    def do_outage(self, _) -> None:
        self.sim.stop_answering()

    def do_back(self, _) -> None:
        self.sim.answer_again()

    def do_help(self, _) -> None:
        self.console.print(help_text(), markup=False)


def usage(name: str) -> ValueError:
    return ValueError(f"expected: {name} {COMMANDS[name][0]}")


def words(name: str, rest: str) -> list[str]:
    """Split as a shell does; a name with blanks stands in quotes."""
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise ValueError(f"{name}: {str(error).lower()}") from None


def pairs(rest: str) -> dict[str, object]:
    """Return what `set` is to set; one value may be JSON with blanks: set a={"b": 1}."""
    key, equals, value = rest.partition("=")
    if equals and key and " " not in key:
        try:
            return {key: json.loads(value)}
        except ValueError:
            pass  # several, or a text
    result = {}
    for word in words("set", rest):
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise usage("set")
        result[key] = parse(value)
    if not result:
        raise usage("set")
    return result


def params(text: str) -> object:
    """Return the parameters of a command: JSON, as it is or in a shell's quotes; None without."""
    if not text:
        return None
    if text[0] in "'\"" and text[-1] == text[0] and len(text) > 2 and text[1] in "{[":
        text = text[1:-1]
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"column {error.colno} of {text}"
        raise ValueError(f"rpc: the parameters are no JSON: {error.msg}, {place}") from None


def kind_of(name: str, rest: list[str]) -> str:
    """Return the kind of package that the rest of a line names; without a word it is fw."""
    if not rest:
        return "fw"
    if len(rest) > 1 or rest[0] not in KINDS:
        raise usage(name)
    return rest[0]


def read_package(path: Path, kind: str) -> Package:
    """Return a file as an uploaded package, under the title and version that it has itself."""
    data = path.read_bytes()
    try:
        manifest = container.parse(data).manifest
    except container.PackageError as error:
        raise ValueError(f"{path}: {error}") from None
    return Package(manifest["title"], manifest["version"], data, kind=kind)


def parse(text: str):
    """Return a JSON value, or the text itself if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text
