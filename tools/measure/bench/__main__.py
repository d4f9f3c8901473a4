"""`python -m tools.measure.bench`: measures what is asked for, all by default."""

import json
from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from tools.measure.bench import large, low_power, ota, secure, telemetry, wear
from tools.unixport import BUILD

RESULT = BUILD / "bench.json"


class Part(str, Enum):
    telemetry = "telemetry"
    large = "large"
    secure = "secure"
    low_power = "low_power"
    wear = "wear"
    ota = "ota"


def main(
    parts: Annotated[list[Part], typer.Argument(help="what to measure; all by default")] = None,
    seeds: Annotated[int, typer.Option(help="downloads in each cell of ota")] = ota.SEEDS,
):
    """Compare our client with others, and measure what telemetry costs."""
    console = Console(highlight=False)
    try:
        result = json.loads(RESULT.read_text())
    except (OSError, ValueError):
        result = {}
    for module in (telemetry, large, secure, low_power, wear):
        if not parts or module.__name__.rpartition(".")[2] in parts:
            measured = module.measure()
            module.show(measured, console)
            result |= measured
    if not parts or Part.ota in parts:
        result["ota"] = ota.measure(seeds)
        ota.show(result["ota"], console)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
