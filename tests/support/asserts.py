"""Shows what a failed assert compared on MicroPython, where no frame can be asked for its values.

The unix port runs copies of the plain files in which `assert a == b` reads
`assert _passed((_seen(0, (a)) == _seen(1, (b))))`. Nothing is evaluated twice or in another order,
and every line keeps its number. runner.py defines the two functions and reports what was seen.
"""

import ast
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.unixport import ROOT

FRAME = re.compile(r'^  File "(.+)", line (\d+), in ', re.MULTILINE)
SHOWN = 4000  # characters of a value


@dataclass
class Operand:
    """An operand of an assert, by its number in the copies."""

    path: Path
    first: int  # lines of the assert
    last: int
    text: str


class Copies:
    """Copies of all plain files of some folders, side by side in a folder that goes with them."""

    def __init__(self, *folders: Path):
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name).resolve()
        self.originals = {}  # path of the copy: path
        self.operands = []
        for folder in folders:
            for path in sorted(folder.glob("*.py")):
                copy = self.folder / path.name
                self.originals[str(copy)] = path
                copy.write_bytes(instrumented(path, self.operands))

    def explained(self, error: str, seen: dict[str, str]) -> str:
        """Return a traceback with the files' own names, the line that failed and its values.

        seen has the repr of each operand, by its number as a string.
        """
        for copy, path in self.originals.items():
            error = error.replace(f'"{copy}"', f'"{path}"')
        error = error.rstrip().replace(f'"{ROOT}/', '"')
        frames = FRAME.findall(error)
        if not frames:
            return error
        path, number = ROOT / frames[-1][0], int(frames[-1][1])
        if not path.is_file():
            return error
        first = last = number
        values = []
        for n, value in sorted(seen.items(), key=lambda item: int(item[0])):
            operand = self.operands[int(n)]
            if operand.path == path and operand.first <= number <= operand.last:
                first, last = operand.first, operand.last
                cut = "" if len(value) <= SHOWN else f"... ({len(value)} characters)"
                values.append(f"E   {operand.text} = {value[:SHOWN]}{cut}")
        lines = [f">   {line}" for line in path.read_text().splitlines()[first - 1 : last]]
        return "\n".join([error, *lines, *values])


def instrumented(path: Path, operands: list[Operand]) -> bytes:
    """Return a file's source, asserts saying what they see; append their operands to the list."""
    source = path.read_text()
    insertions = []  # (line, byte in it, text); what stands outside comes first

    def wrap(node, before):
        insertions.append((node.lineno, node.col_offset, before))
        insertions.append((node.end_lineno, node.end_col_offset, b"))"))

    for node in ast.walk(ast.parse(source, str(path))):
        if isinstance(node, ast.Assert):
            wrap(node.test, b"_passed((")
            for operand in compared(node.test):
                wrap(operand, b"_seen(%d, (" % len(operands))
                operands.append(Operand(path, node.lineno, node.end_lineno, ast.unparse(operand)))
    lines = source.encode().split(b"\n")
    for number, column, text in reversed(sorted(insertions, key=lambda place: place[:2])):
        line = lines[number - 1]
        lines[number - 1] = line[:column] + text + line[column:]
    return b"\n".join(lines)


def compared(test: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions whose values decide a test, without constants."""
    if isinstance(test, ast.BoolOp):
        parts = test.values
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        parts = [test.operand]
    else:
        operands = [test.left, *test.comparators] if isinstance(test, ast.Compare) else [test]
        yield from [node for node in operands if not isinstance(node, ast.Constant)]
        return
    for part in parts:
        yield from compared(part)
