"""Schemas for Protobuf profiles: `python -m tools.protobuf FILE.proto` prints them as Python.

A schema is plain data, as lib/thingsboard/thingsboard/protobuf.py describes it. Google's compiler
reads the file, so what it says of mistakes is said here. As on the server, the last message of a
file is its root.
"""

import keyword
import pprint
import re
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import descriptor_pb2

from tools.causes import cause

Field = descriptor_pb2.FieldDescriptorProto
Message = descriptor_pb2.DescriptorProto
Enum = descriptor_pb2.EnumDescriptorProto

# What the device's codec knows; groups are of proto2.
WORDS = {
    getattr(Field, "TYPE_" + word.upper()): word
    for word in (
        "double float int32 int64 uint32 uint64 sint32 sint64 bool "
        "fixed32 fixed64 sfixed32 sfixed64 string bytes"
    ).split()
}
WIDTH = 99
DEPTH = 16  # of messages in each other; Python's own limit would be a traceback


class Refused(ValueError):
    """The schema cannot be had; the text names file, line and reason."""


def convert(path: Path) -> tuple[str, dict]:
    """Return the name of a file's root message and its schema. Raises Refused, OSError."""
    return _Converter(path).root()


class _Converter:
    def __init__(self, path: Path):
        self.path = path
        try:
            self.lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise Refused(f"{path}: no text in UTF-8") from None
        self.file = compiled(path)
        self.known: dict[str, Message | Enum] = {}
        package = "." + self.file.package if self.file.package else ""
        for message in self.file.message_type:
            self._learn(package, message)
        for enum in self.file.enum_type:
            self.known[f"{package}.{enum.name}"] = enum

    def root(self) -> tuple[str, dict]:
        if not any(line.strip() for line in self.lines):
            raise Refused(f'{self.path}: empty; a schema begins with syntax = "proto3";')
        if self.file.syntax != "proto3":
            raise self._refused("syntax", "only proto3 is taken, as by the server")
        if self.file.dependency:
            raise self._refused("import", "imports are not taken: the server has no such files")
        if not self.file.message_type:
            raise Refused(f"{self.path}: no message; the last one of a file is its schema")
        message = self.file.message_type[-1]
        if not message.field:
            raise self._refused(message.name, f"{message.name} has no field, so it says nothing")
        if keyword.iskeyword(message.name):
            raise self._refused(message.name, f"{message.name} is no name in Python")
        return message.name, self._schema(message, ())

    def _learn(self, scope: str, message: Message) -> None:
        name = f"{scope}.{message.name}"
        self.known[name] = message
        for nested in message.nested_type:
            self._learn(name, nested)
        for enum in message.enum_type:
            self.known[f"{name}.{enum.name}"] = enum

    def _schema(self, message: Message, above: tuple[str, ...]) -> dict:
        if message.name in above:
            raise self._refused(message.name, f"{message.name} holds itself")
        if len(above) == DEPTH:
            raise self._refused(message.name, f"more than {DEPTH} messages in each other")
        schema = {}
        for field in message.field:
            kind = self._type(field, (*above, message.name))
            repeated = field.label == Field.LABEL_REPEATED
            schema[field.name] = (field.number, [kind] if repeated else kind)
        return schema

    def _type(self, field: Field, above: tuple[str, ...]):
        if field.type in WORDS:
            return WORDS[field.type]
        known = self.known[field.type_name]
        if isinstance(known, Enum):
            return tuple((value.name, value.number) for value in known.value)
        if known.options.map_entry:
            raise self._refused(field.name, f"{field.name} is a map, which is not taken")
        return self._schema(known, above)

    def _refused(self, word: str, reason: str) -> Refused:
        # A descriptor has no lines: the word is looked for.
        for number, line in enumerate(self.lines, 1):
            if re.search(rf"\b{word}\b", line.partition("//")[0]):
                return Refused(f"{self.path}:{number}: {reason}")
        return Refused(f"{self.path}: {reason}")


def compiled(path: Path) -> descriptor_pb2.FileDescriptorProto:
    """Return what Google's compiler makes of a .proto file. Raises Refused."""
    own = resources.files("grpc_tools") / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        # It tells of mistakes on standard error, so it runs in a process of its own.
        compiler = [sys.executable, "-m", "grpc_tools.protoc"]
        arguments = [f"-I{path.parent}", f"-I{own}", f"-o{out}", str(path)]
        run = subprocess.run([*compiler, *arguments], capture_output=True, text=True)
        if run.returncode:
            # A library of the compiler may say something of its own before.
            said = [line for line in run.stderr.splitlines() if str(path) in line]
            raise Refused(said[0] if said else f"{path}: no Protobuf schema")
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file[0]


def source(schemas: dict[str, dict]) -> str:
    """Return Python that has these schemas by name."""
    lines = ["# Made by tools.protobuf."]
    for name, schema in schemas.items():
        lines += ["", f"{name} = {{"]
        for field, (number, kind) in schema.items():
            text = pprint.pformat(kind, width=WIDTH - len(field), sort_dicts=False)
            text = text.replace("\n", "\n" + " " * (len(field) + 13))
            lines.append(f"    {field!r}: ({number}, {text}),")
        lines.append("}")
    return "\n".join(lines) + "\n"


def main(
    files: Annotated[list[Path], typer.Argument(help="a .proto file for each schema")],
):
    """Print the schemas of .proto files as Python, each under the name of its root message."""
    try:
        schemas = {}
        for path in files:
            name, schema = convert(path)
            if name in schemas:
                raise Refused(f"{path}: another file has the root message {name} already")
            schemas[name] = schema
        print(source(schemas), end="")
    except (OSError, Refused) as error:
        raise SystemExit(f"protobuf: {cause(error)}") from None


if __name__ == "__main__":
    typer.run(main)
