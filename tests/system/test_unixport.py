"""What the tools know of the interpreter is what the firmware finds when it runs there."""

import subprocess

from tools.unixport import ROOT, board_name, environment, micropython


def test_packages_are_for_the_board_that_the_firmware_finds():
    code = "import board; print(board.board.name)"
    folders = environment(ROOT / "firmware")
    run = subprocess.run([micropython(), "-c", code], env=folders, capture_output=True, text=True)
    assert run.stdout == board_name() + "\n" != "\n"
