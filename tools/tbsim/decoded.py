"""What a datagram says, for people. Access tokens and other secrets are left out.

A token stands in paths and in what provisioning asks and answers; a payload that is no text may
hold one, so only its size is told.
"""

import re

from aiocoap import Message
from aiocoap.numbers import OptionNumber

from .model.packages import KINDS

# Values that a provisioning request or its answer has. The last of a payload may be cut off.
SECRETS = re.compile(r'("(?:provisionDeviceSecret|credentialsValue|token|hash)"\s*:\s*")[^"]*')
HIDDEN = "…"
SHOWN = 120  # characters of a payload in a line
DETAILED = 1000  # ... and by itself
# Options that `path` and `notes` tell.
IN_THE_HEAD = {
    OptionNumber.URI_PATH,
    OptionNumber.OBSERVE,
    OptionNumber.BLOCK1,
    OptionNumber.BLOCK2,
}


def path_of(message: Message) -> str:
    """Return the path, a slash before each segment, without the access token."""
    path = list(message.opt.uri_path)
    if path and path[0] in KINDS:
        path[1:2] = HIDDEN
    elif len(path) > 3:
        path[2] = HIDDEN
    return "".join("/" + segment for segment in path)


def access_token(message: Message) -> str | None:
    """Return the access token in the path, None without one."""
    path = message.opt.uri_path
    if len(path) > 1 and path[0] in KINDS:
        return path[1]
    return path[2] if len(path) > 3 and path[0] == "api" else None


def payload_of(message: Message, most: int) -> str:
    """Return a payload as text, cut off after so many characters."""
    try:
        text = SECRETS.sub(r"\1" + HIDDEN, message.payload.decode())
    except UnicodeDecodeError:
        return f"({len(message.payload)} bytes)"
    if not text.isprintable() and any(c < " " and c not in "\t\r\n" for c in text):
        return f"({len(message.payload)} bytes)"
    return text if len(text) <= most else text[:most] + HIDDEN


def notes(message: Message) -> list[str]:
    """Return Observe and blocks, which say what a message is about, in short."""
    found = []
    if message.opt.observe is not None:
        found.append(f"observe={message.opt.observe}")
    for name, block in (("block1", message.opt.block1), ("block2", message.opt.block2)):
        if block:
            found.append(f"{name}={block.block_number}/{int(block.more)}/{block.size}")
    return found


def describe(message: Message) -> str:
    """Return one line for a message: type, code, path, payload."""
    parts = [message.mtype.name, str(message.code), path_of(message), *notes(message)]
    if message.payload:
        parts.append(payload_of(message, SHOWN))
    return " ".join(part for part in parts if part)


def name_of(number: OptionNumber) -> str:
    """Return an option's name as RFC 7252 writes it, or its number."""
    name = getattr(number, "name", None)
    return name.title().replace("_", "-") if name else str(int(number))


def decoded(message: Message) -> dict:
    """Return all that a message says: texts for the columns of a table, and the rest of it."""
    options = [
        [name_of(option.number), str(option)[:SHOWN]]
        for option in message.opt.option_list()
        if option.number not in IN_THE_HEAD
    ]
    return {
        "type": message.mtype.name,
        "code": str(message.code),
        "path": path_of(message),
        "notes": notes(message),
        "options": options,
        "mid": message.mid,
        "token": message.token.hex(),
        "payload": payload_of(message, DETAILED),
    }
