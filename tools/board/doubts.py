"""What a board takes, and its owner hardly means: a line for each, which refuses nothing.

These are values of the example which nobody changed, certificates at the wrong time, and what
takes the memory that an update wants. No line has a value in it: that may be a secret.
"""

import datetime
import json
from collections.abc import Callable

from cryptography import x509

from tools import boards
from tools.package import application
from tools.package.application import Extra
from tools.unixport import ROOT

EXAMPLE = ROOT / "firmware" / "settings.example.json"
SOON = datetime.timedelta(days=30)
# What of the files that settings name is a certificate, and what becomes of one that has expired.
CERTIFICATES = {"trusted": "boards refuse the server", "certificate": "give the board another"}
DAY = "%Y-%m-%d"
# Bytes of heap. With less, a firmware that is loaded from files leaves room for an update, or for
# DTLS or Protobuf.
MEMORY = 160_000


def of(
    values: dict,
    board: boards.Board,
    file: str,
    find: Callable[[str], bytes | None],
    now: datetime.datetime | None = None,
) -> list[str]:
    """Return lines about settings that passed the checks.

    file: how the lines call them; find(name) returns what a file that they name has; now: in UTC.
    """
    now = now or datetime.datetime.now(datetime.timezone.utc)
    example = json.loads(EXAMPLE.read_text())
    kept = [name for name, value in values.items() if example.get(name) == value]
    lines = []
    if kept:
        verb = "is still what the example has" if len(kept) == 1 else "are still the example's"
        lines.append(f"{file}: {', '.join(kept)} {verb}; give your own")
    for setting, then in CERTIFICATES.items():
        name = values.get(setting)
        data = find(name.strip()) if isinstance(name, str) else None
        if data:
            certificate = x509.load_der_x509_certificate(data)
            doubt = at_the_wrong_time(certificate, then, now)
            if doubt:
                lines.append(f"{file}: {setting}: {name.strip()} {doubt}")
    large = ["trusted"] if values.get("trusted") else []
    if Extra.protobuf in application.wanted(values):
        large.append("payload")
    if large and board.heap < MEMORY:
        lines.append(
            f"{file}: {' and '.join(large)}: on {board.name} this leaves no memory for an update, "
            "unless it has PSRAM or the firmware is frozen"
        )
    return lines


def at_the_wrong_time(certificate: x509.Certificate, then: str, now: datetime.datetime) -> str:
    """Return the end of a sentence about a certificate that is not valid now, or not for long."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        return f"expired on {ends:{DAY}}; {then}"
    if now < begins:
        return f"is not valid before {begins:{DAY}}"
    if ends - now < SOON:
        return f"expires on {ends:{DAY}}, in {(ends - now).days} days"
    return ""
