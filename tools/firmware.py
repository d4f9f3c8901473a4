"""What is copied to a board's root: firmware and libraries as bytecode, and the settings."""

import json
import shutil
from pathlib import Path

from tools.unixport import LIBRARIES, ROOT, mpy_cross

RUN_AS_SOURCE = ("boot.py", "main.py")  # a board starts these two only as source
NOT_DEPLOYED = ("settings.example.json", "README.md")


def compile_tree(source: Path, target: Path) -> None:
    """Copy a folder with every .py as bytecode, except those that a board starts as source."""
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_dir() or "__pycache__" in relative.parts or path.name in NOT_DEPLOYED:
            continue
        copy = target / relative
        if path.suffix == ".py" and str(relative) not in RUN_AS_SOURCE:
            mpy_cross(path, copy.with_suffix(".mpy"), str(relative))
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def stage(target: Path, settings: dict) -> None:
    """Fill a folder with all that a board needs."""
    compile_tree(ROOT / "firmware", target)
    for library in LIBRARIES:
        compile_tree(library / library.name, target / "lib" / library.name)
    (target / "settings.json").write_text(json.dumps(settings))
