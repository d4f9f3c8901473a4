"""Print a line for each fault that ruff does not see; the exit status is 1 if there is one."""

import sys

from tools.lint import device, markdown, text, typings
from tools.unixport import ROOT


def main() -> int:
    faults = []
    for path in text.files():
        try:
            content = path.read_text()
        except UnicodeDecodeError:
            continue  # test data in bytes
        name = str(path.relative_to(ROOT))
        faults += text.faults(name, content)
        if path.suffix == ".md":
            faults += markdown.faults(path, content)
        if device.is_board_code(path):
            faults += device.absent_names(name, content)
    faults += device.type_faults(device.boards())
    faults += typings.faults()
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
