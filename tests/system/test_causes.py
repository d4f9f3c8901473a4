"""What the tools say when a file or a port is not there: the file and the reason, in one line."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tools.board import ports
from tools.causes import cause
from tools.package.__main__ import app as app_of_packages
from tools.unixport import ROOT


@pytest.mark.parametrize(
    "command",
    [
        ["tools.certificates", "server", "tb", "--host", "tb.example", "--issuer", "none/lab"],
        ["tools.protobuf", "none/x.proto"],
        ["tools.package", "inspect", "none/x.bin"],
        ["tools.board", "flash", "--board", "RPI_PICO_W", "--image", "none/x.uf2"],
    ],
    ids=lambda command: command[0],
)
def test_a_file_that_is_not_there(command):
    run = [sys.executable, "-m", *command]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT)
    text = done.stdout + done.stderr
    assert done.returncode == 1 and text.count("\n") == 1, text
    assert "none/" in text and "No such file or directory" in text and "Errno" not in text


def test_the_cause_of_an_error():
    assert cause(OSError(28, "No space left on device")) == "No space left on device"
    assert cause(OSError(2, "No such file", "x")) == "x: No such file"
    assert cause(FileExistsError("x is there already")) == "x is there already"
    assert cause(ValueError("wrong")) == "wrong"


def test_a_file_is_no_port(tmp_path):
    file = tmp_path / "port"
    file.touch()
    for path in (file, tmp_path):
        with pytest.raises(ValueError, match="is no port; there are"):
            ports.find(str(path))


def test_a_backup_that_finds_no_board_leaves_no_folder(tmp_path):
    run = [sys.executable, "-m", "tools.board", "backup", str(tmp_path / "saved")]
    done = subprocess.run([*run, "--port", str(tmp_path / "none")], capture_output=True, cwd=ROOT)
    assert done.returncode == 1 and not (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    ("board", "hint"),
    [
        ("RPI_PICO_X", "; did you mean RPI_PICO_W?"),
        ("MINE", ""),
        ("RPI_PICO_W", None),
        ("ESP32_GENERIC-SPIRAM", None),  # a variant
    ],
)
def test_a_board_that_is_none_of_boards_is_named(board, hint, tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "__init__.py").write_text("")
    options = ["--title", "x", "--version", "v1", "--sequence", 1, "--board", board]
    arguments = ["build", app, *options, "-o", tmp_path / "p", "--key", tmp_path / "k"]
    done = CliRunner().invoke(app_of_packages, [str(argument) for argument in arguments])
    text = done.output
    assert done.exit_code == 0
    if hint is None:
        assert "boards/" not in text
    else:
        assert f"warning: boards/ has no board that is {board}{hint}\n" in text
