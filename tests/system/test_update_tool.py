"""The update builder: what it makes, what it refuses, and that boards agree with it."""

import hashlib
import json
import struct
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typer.testing import CliRunner

from tests.support.dual import prepare_cpython
from tools.package import __main__ as command
from tools.package import application, container, esp32, keys
from tools.unixport import ROOT

prepare_cpython(ROOT / "tests" / "unit")
from abupdate import Refused  # noqa: E402
from abupdate.image import Image  # noqa: E402

FIELDS = {"title": "thermo", "version": "1.0", "boards": ["VBOARD"], "sequence": 3}
FILES = [("app/__init__.mpy", b"code"), ("app/data.bin", bytes(3000))]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "key.pem"
    keys.create(path)
    return path


@pytest.fixture(scope="module")
def key(key_file):
    return keys.load(key_file)


def build(key, files=FILES, kind="app", **changes):
    return container.build(key, files, kind=kind, **{**FIELDS, **changes})


class Slot:
    """Takes everything, and keeps it."""

    def __init__(self):
        self.got = b""

    def stored(self):
        return b""

    def holds(self, header, whole=True):
        return False

    def begin(self, manifest):
        self.manifest = manifest
        return 0

    def write(self, buf):
        self.got += buf


def run(*args):
    """Run the command; return (exit code, all it says)."""
    result = CliRunner().invoke(command.app, [str(a) for a in args])
    return result.exit_code, result.output + str(result.exception or "")


def test_a_board_takes_what_the_tool_makes(key):
    data = build(key)
    slot = Slot()
    Image(keys.public_bytes(key), slot, "thermo", "1.0", len(data)).feed(0, data)
    assert slot.got == b"code" + bytes(3000)
    assert {name: slot.manifest[name] for name in FIELDS} == FIELDS
    container.verify(container.parse(data), keys.public_bytes(key))


def test_board_and_tool_refuse_a_foreign_key(key):
    data = build(rsa.generate_private_key(65537, 3072))
    with pytest.raises(Refused, match="unknown key"):
        Image(keys.public_bytes(key), Slot()).feed(0, data)
    with pytest.raises(container.PackageError, match="not in the key file"):
        container.verify(container.parse(data), keys.public_bytes(key))


def test_same_input_same_bytes(key, tmp_path):
    folders = [tmp_path / "app", ROOT / "lib" / "coap" / "coap"]
    folders[0].mkdir()
    (folders[0] / "__init__.py").write_text("x = 1\n")
    first = build(key, application.collect(folders))
    moved = tmp_path / "elsewhere" / "app"
    moved.mkdir(parents=True)
    (moved / "__init__.py").write_text("x = 1\n")
    assert build(key, application.collect([folders[1], moved])) == first


def test_an_application_becomes_bytecode_and_data(tmp_path):
    app = tmp_path / "app"
    (app / "sub" / "__pycache__").mkdir(parents=True)
    (app / "__init__.py").write_text("x = 1\n")
    (app / "sub" / "page.html").write_bytes(b"<p>")
    (app / "sub" / "__pycache__" / "a.pyc").write_bytes(b"no")
    (app / ".hidden").write_bytes(b"no")
    files = application.collect([app])
    assert [name for name, _ in files] == ["app/__init__.mpy", "app/sub/page.html"]
    assert files[0][1][:2] == b"M\x06" and b"app/__init__.py" in files[0][1]


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"sequence": -1}, "below 0"),
        ({"title": ""}, "title"),
        ({"boards": []}, "board"),
        ({"kind": "rom"}, "kind"),
        ({"kind": "firmware"}, "one image, not 2"),
        ({"files": []}, "no content"),
        ({"files": [("a", b"")]}, "no content"),
        ({"files": [("a", b"1"), ("a", b"2")]}, "the file a is there twice"),
        ({"version": "1 0"}, "the version '1 0' has a blank"),
        ({"version": " 1.0"}, "the version ' 1.0' has a blank"),
        ({"title": "thermo "}, "the title 'thermo ' has a blank"),
        ({"files": [("a", b"1"), ("a/b", b"2")]}, "both"),
        ({"files": [("../a", b"1")]}, "name"),
        ({"files": [("/a", b"1")]}, "name"),
        ({"files": [("a//b", b"1")]}, "name"),
        ({"files": [("data file", b"1")]}, "data file"),
        ({"files": [("PACKAGE", b"1")]}, "taken"),
        ({"files": [("Read.me", b"1"), ("read.me", b"1")]}, "by case only: read.me in small"),
        ({"files": [(f"app/module_{n}.mpy", b"1") for n in range(120)]}, "120 files"),
    ],
)
def test_what_cannot_be_built(key, changes, reason):
    with pytest.raises(container.PackageError, match=reason):
        build(key, **changes)


def test_every_damaged_byte_is_found(key):
    data = build(key, [("a", b"12345678")])
    public = keys.public_bytes(key)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(container.PackageError):
            container.verify(container.parse(bytes(damaged)), public)


@pytest.mark.parametrize(
    "wrong",
    [lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:100], lambda _: b""],
    ids=["a byte less", "a byte more", "the start", "nothing"],
)
def test_a_package_of_another_length(key, wrong):
    data = build(key)
    container.parse(data)
    with pytest.raises(container.PackageError):
        container.parse(wrong(data))


def test_keys_are_private_and_never_overwritten(tmp_path):
    path = tmp_path / "new" / "key.pem"
    key, is_new = keys.load_or_create(path)
    assert is_new and path.stat().st_mode & 0o777 == 0o600
    again, is_new = keys.load_or_create(path)
    assert not is_new and keys.public_bytes(again) == keys.public_bytes(key)
    with pytest.raises(FileExistsError):
        keys.create(path)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    "content",
    [
        lambda: b"",
        lambda: b"no key",
        lambda: pem(rsa.generate_private_key(65537, 2048)),
        lambda: pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["empty", "text", "2048 bits", "elliptic curve"],
)
def test_files_that_are_no_key(tmp_path, content):
    path = tmp_path / "key.pem"
    path.write_bytes(content())
    with pytest.raises(keys.KeyFileError, match="key.pem"):
        keys.load(path)


@pytest.mark.parametrize(
    "content",
    [b"", bytes(384), b"\xff" * 383, b"\xff" * 385, b"\xff" * 384 * 5],
    ids=["empty", "zeros", "a byte less", "a byte more", "five keys"],
)
def test_files_that_are_no_keys_of_a_board(content):
    with pytest.raises(keys.KeyFileError):
        keys.split(content)


def test_the_commands(tmp_path, key_file):
    app = tmp_path / "app"
    app.mkdir()
    (app / "__init__.py").write_text("x = 1\n")
    package, public = tmp_path / "thermo.pkg", tmp_path / "update.keys"
    new = tmp_path / "new.pem"
    options = ["--title", "thermo", "--version", "1.0", "--sequence", "3", "--board", "VBOARD"]
    code, text = run("build", app, *options, "-o", package, "--key", new)
    assert code == 0 and "new signing key" in text and "app thermo 1.0" in text
    assert run("build", app, *options, "-o", package, "--key", new)[1].count("signing key") == 0
    code, text = run("inspect", package)
    assert code == 0 and "app/__init__.mpy" in text and "VBOARD" in text
    assert run("board-keys", new, key_file, "-o", public)[0] == 0
    assert public.read_bytes() == b"".join(
        keys.public_bytes(keys.load(k)) for k in (new, key_file)
    )
    assert run("verify", package, "--keys", public)[0] == 0
    code, text = run("verify", package, "--key", key_file)
    assert code == 1 and "not in the key file" in text
    code, text = run("verify", key_file)
    assert code == 1


def test_a_header_that_is_cut_is_told(key):
    data = build(key)
    length = len(container.parse(data).header)
    for n in (6, 393, length - 1):
        with pytest.raises(container.PackageError, match=f"cut off: {n} of {length} bytes"):
            container.parse(data[:n])


@pytest.mark.parametrize(
    "field", [{"boards": 5}, {"boards": [1]}, {"sequence": "1"}, {"title": 5}]
)
def test_a_manifest_of_wrong_types_is_told(field):
    fields = {"boards": ["X"], "kind": "app", "sequence": 1, "title": "t", "version": "1"} | field
    manifest = f"{json.dumps(fields)}\na.py 1 {container.digest(b'x')}\n".encode()
    length = container.MANIFEST_AT + len(manifest)
    head = (container.MAGIC + length.to_bytes(2, "big")).ljust(container.MANIFEST_AT, b"\0")
    with pytest.raises(container.PackageError, match="the manifest is wrong"):
        container.parse(head + manifest + b"x")


def test_a_folder_that_no_board_starts_is_warned_of(tmp_path, key_file):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("x = 1\n")
    options = ["--title", "thermo", "--version", "1.0.0", "--sequence", "3", "--board", "VBOARD"]
    code, text = run("build", tmp_path / "mine", *options, "-o", tmp_path / "p", "--key", key_file)
    assert code == 0 and "warning: there is no app/__init__.mpy, which boards start" in text


def test_what_goes_wrong_is_one_line(tmp_path, key_file):
    def line(*arguments):
        run = [sys.executable, "-m", "tools.package", *map(str, arguments)]
        done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 1
        return done.stderr

    before = key_file.read_bytes()
    kept = f"package: {key_file} is there already, and is kept; name another file\n"
    assert line("keygen", key_file) == kept and key_file.read_bytes() == before
    assert line("inspect", "nix.pkg") == "package: nix.pkg: No such file or directory\n"
    source = tmp_path / "app" / "__init__.py"
    source.parent.mkdir()
    source.write_text("x = 1\ny = (\n")
    options = ["--title", "t", "--version", "1.0.0", "--sequence", "3", "--board", "VBOARD"]
    said = line("build", source.parent, *options, "-o", tmp_path / "p", "--key", key_file)
    assert said.startswith(f"package: {source}, line ") and said.count("\n") == 1
    assert "does not compile: SyntaxError" in said


@pytest.mark.parametrize(
    ("version", "stored"),
    [
        ("1.10", "1.1"),
        ("2", "2"),
        ("007", "7"),
        (".50", "0.5"),
        ("-1.0", "-1.0"),
        ("10.0", "10.0"),
    ],
)
def test_a_version_that_reads_as_a_number(tmp_path, key_file, version, stored):
    code, text = build_version(tmp_path, key_file, version)
    assert code == 0 and f"warning: version {version} reads as a number, " in text
    assert f"report of it as {stored};" in text


@pytest.mark.parametrize(
    "version", ["1.10.0", "v2", "1.", "1e3", "0x10", "1.1-rc1", "-", "\u0661"]
)
def test_a_version_that_stays_text(tmp_path, key_file, version):
    code, text = build_version(tmp_path, key_file, version)
    assert code == 0 and "warning" not in text


def build_version(tmp_path, key_file, version):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("x = 1\n")
    options = ["--title", "thermo", f"--version={version}", "--sequence", "3"]
    options += ["--board", "RPI_PICO_W"]
    return run("build", tmp_path / "app", *options, "-o", tmp_path / "p", "--key", key_file)


def image(chip=0, app=True, payload=b"code" * 100, hashed=True):
    """Return an ESP32 image with one segment, made by the rules of esp_image_format.h."""
    segment = (struct.pack("<I", 0xABCD5432) if app else bytes(4)) + payload
    head = struct.pack(
        "<BBBBIBBBBHBHHIB", 0xE9, 1, 2, 0x20, 0x40081000, 0, 0, 0, 0, chip, 0, 0, 0, 0, hashed
    )
    data = head + struct.pack("<II", 0x3F400020, len(segment)) + segment
    checksum = 0xEF
    for byte in segment:
        checksum ^= byte
    data += bytes(15 - len(data) % 16) + bytes([checksum])
    return data + hashlib.sha256(data).digest() if hashed else data


@pytest.mark.parametrize("chip, name", esp32.CHIPS.items())
def test_an_esp32_image_of_each_chip(chip, name):
    esp32.check(image(chip), name)


def test_an_esp32_image_without_a_hash():
    esp32.check(image(hashed=False), "esp32")


@pytest.mark.parametrize("size", range(1, 40))
def test_an_esp32_image_of_any_size(size):
    esp32.check(image(payload=b"x" * size), "esp32")


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "begin with E9"),
        (b"\xff" * 0x1000 + image(), "begin with E9"),
        (image(9), "for esp32s3"),
        (image(77), "unknown chip"),
        (image(app=False), "merged firmware.bin"),
        (image()[:-1], "cut off"),
        (image()[:200], "cut off"),
        (image()[:23] + b"3" + image()[24:], "damaged"),
        (image().replace(b"codecode", b"codeCODE", 1), "damaged"),
    ],
)
def test_what_is_no_application_image(data, reason):
    with pytest.raises(container.PackageError, match=reason):
        esp32.check(data, "esp32")


@pytest.mark.parametrize(
    "board, chip",
    [
        ("ESP32_GENERIC", "esp32"),
        ("ESP32_GENERIC-OTA", "esp32"),
        ("ESP32_GENERIC_S3-SPIRAM_OCT", "esp32s3"),
        ("ESP32_GENERIC_C3", "esp32c3"),
        ("UM_TINYS3", "esp32"),  # not told: --chip
        ("SIL_WESP32", "esp32"),
        ("M5STACK_ATOMS3_LITE", "esp32"),
    ],
)
def test_the_chip_of_a_board(board, chip):
    assert esp32.chip_of_board(board) == chip


def test_a_firmware_package_from_the_command_line(tmp_path, key_file):
    app_bin, package = tmp_path / "micropython.app-bin", tmp_path / "out"
    options = [
        "--title",
        "t",
        "--version",
        "1",
        "--sequence",
        "1",
        "--key",
        key_file,
        "-o",
        package,
    ]
    app_bin.write_bytes(image(9))
    code, text = run("build", app_bin, "--board", "ESP32_GENERIC-OTA", *options)
    assert code == 1 and "for esp32s3" in text and not package.exists()
    assert run("build", app_bin, "--board", "ESP32_GENERIC_S3-OTA", *options)[0] == 0
    found = container.parse(package.read_bytes())
    assert found.manifest["kind"] == "firmware"
    assert found.files == [("micropython.bin", image(9))]
    first, _, _ = found.header[container.MANIFEST_AT :].partition(b"\n")
    assert json.loads(first)["sequence"] == 1
