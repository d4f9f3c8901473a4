"""Where the MicroPython interpreter, the compiler and the project's folders are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = [ROOT / "lib" / name for name in ("coap", "thingsboard", "abupdate")]
BUILD = ROOT / "build"


def micropython() -> str:
    """Return the interpreter: $MICROPYTHON, or the one beside this Python; SystemExit if none."""
    name = os.environ.get("MICROPYTHON") or str(Path(sys.executable).parent / "micropython")
    path = shutil.which(name)
    if not path:
        raise SystemExit(f"no MicroPython interpreter at {name}; name one: MICROPYTHON=...")
    return path


def board_name() -> str:
    """Return the name of the board that the interpreter was built for; packages are for it."""
    code = "import sys; print(getattr(sys.implementation, '_build', sys.platform))"
    run = subprocess.run([micropython(), "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def environment(*folders: Path) -> dict[str, str]:
    """Return the environment in which the unix port imports from these folders, then frozen."""
    return {**os.environ, "MICROPYPATH": ":".join([*map(str, folders), ".frozen"])}


def mpy_cross(source: Path, target: Path, name: str | None = None) -> None:
    """Compile one file to bytecode as it is deployed: -O2, which keeps line numbers.

    CalledProcessError, with what the compiler said as its stderr.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mpy_cross", "-O2", "-s", name or source.name]
    command += ["-o", str(target), str(source)]
    subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
