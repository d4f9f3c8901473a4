"""Links of Markdown files that lead nowhere, names of files that are not there, long lines.

Nothing is looked up in the network: links to other hosts are not followed.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tools.unixport import ROOT

MAX_COLUMNS = 100  # outside tables and code blocks, so that a diff shows what was changed

FENCE = re.compile(r"\s*```")
HEADING = re.compile(r"#{1,6}\s+(.*)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)")
CODE = re.compile(r"`[^`]*`")
FILE = re.compile(r"`((?:lib|firmware|tools|tests|docs)/[\w./-]+)`")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number, line) of what is outside code blocks."""
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            code = not code
        elif not code:
            yield number, line


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a file."""
    found: set[str] = set()
    for _, line in prose(text):
        if heading := HEADING.match(line):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).strip().lower()
            anchor = base = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            repeated = 0
            while anchor in found:
                repeated += 1
                anchor = f"{base}-{repeated}"
            found.add(anchor)
    return found


def link_fault(path: Path, target: str, root: Path) -> str | None:
    """Return what is wrong with a link in the file path, or None."""
    if re.match(r"[a-z]+:", target):
        return None
    name, _, anchor = target.partition("#")
    to = (path.parent / name).resolve() if name else path
    if not to.is_relative_to(root):
        return f"leads out of the project: {target}"
    if not to.exists():
        return f"leads nowhere: {target}"
    if anchor and anchor not in anchors(to.read_text()):
        return f"no such heading: {target}"
    return None


def faults(path: Path, text: str, root: Path = ROOT) -> list[str]:
    """Return one line for each fault of a Markdown file."""
    found = []

    def fault(number: int, what: str) -> None:
        found.append(f"{path.relative_to(root)}:{number}: {what}")

    for number, line in prose(text):
        if len(line) > MAX_COLUMNS and not line.startswith("|"):
            fault(number, f"{len(line)} columns")
        for link in LINK.finditer(CODE.sub("", line)):
            if what := link_fault(path, link[1] or link[2], root):
                fault(number, what)
        for name in FILE.findall(line):
            if not (root / name).exists():
                fault(number, f"not there: {name}")
    return found
