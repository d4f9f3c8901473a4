"""`make release`: what it makes, what it refuses, and one version everywhere."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile

import pytest

from tests.support.manifests import Manifest
from tools import boards
from tools.package import keys
from tools.release import Refused, index, sources, version
from tools.release import __main__ as release
from tools.release.shelf import SUMS, Shelf
from tools.unixport import LIBRARIES, ROOT

VERSION = version.current()
ARCHIVE = f"thingsboard-coap-{VERSION}"


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    release.build(folder)
    return folder


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def listed(folder, place):
    return json.loads((folder / "package" / place).read_text())


def run(*words):
    command = [sys.executable, "-m", "tools.release", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_source_and_bytecode_are_there_by_their_hashes(dist):
    for form, suffix in (("py", ".py"), ("6", ".mpy")):
        package = listed(dist, f"{form}/coap/latest.json")
        assert package == listed(dist, f"{form}/coap/{VERSION}.json")
        assert len(package["hashes"]) == len(list((ROOT / "lib/coap/coap").glob("*.py")))
        for place, name in package["hashes"]:
            content = (dist / "file" / name[:2] / name).read_bytes()
            assert place.endswith(suffix)
            assert hashlib.sha256(content).hexdigest().startswith(name) and len(name) == 8
            if form == "py":
                assert content == (ROOT / "lib/coap" / place).read_bytes()
            else:
                assert content[:2] == b"M\x06"


def test_a_package_has_what_it_needs_in_the_same_version(dist):
    for form in ("py", "6"):
        assert listed(dist, f"{form}/thingsboard/latest.json")["deps"] == [
            ["coap", VERSION],
            ["abupdate", VERSION],
        ]
        assert listed(dist, f"{form}/coap/latest.json")["deps"] == []


def test_two_runs_give_the_same_bytes(dist, tmp_path):
    release.build(tmp_path)
    assert files(tmp_path) == files(dist)
    release.build(tmp_path)
    assert files(tmp_path) == files(dist)


def test_the_sums_are_those_of_all_files(dist):
    everything = files(dist)
    sums = everything.pop(SUMS).decode().splitlines()
    assert sums == [
        f"{hashlib.sha256(content).hexdigest()}  {name}"
        for name, content in sorted(everything.items())
    ]


def test_older_versions_stay(monkeypatch, dist, tmp_path):
    shutil.copytree(dist, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(index, "compiled", lambda library: [("coap/new.mpy", b"new")])
    for number, newest in (("0.10.0", "0.10.0"), ("0.9.0", "0.10.0")):
        shelf = Shelf(tmp_path)
        index.add(shelf, number)
        shelf.write()
        assert listed(tmp_path, "6/coap/latest.json")["version"] == newest
        assert listed(tmp_path, f"6/coap/{number}.json")["version"] == number
    before, after = files(dist), files(tmp_path)
    assert {name for name in before if after[name] != before[name]} == {
        SUMS,
        *(name for name in before if name.endswith("latest.json")),
    }


def test_a_version_that_is_out_stays_as_it_is(monkeypatch, dist, tmp_path):
    shutil.copytree(dist, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(index, "compiled", lambda library: [("coap/new.mpy", b"new")])
    said = rf"package/6/abupdate/{VERSION}.json is in .* already, .*: raise the version in pyproj"
    with pytest.raises(Refused, match=said):
        release.build(tmp_path)
    assert files(tmp_path) == files(dist)


def test_the_sources_freeze_each_board(dist, tmp_path):
    with tarfile.open(dist / f"{ARCHIVE}.tar.gz") as archive:
        for member in archive:
            path = tmp_path / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.extractfile(member).read())
    assert [path.name for path in tmp_path.iterdir()] == [ARCHIVE]
    assert (tmp_path / ARCHIVE / "LICENSE").is_file()
    port = tmp_path / "port"
    for place in ("boards/manifest.py", "variants/standard/manifest.py"):
        (port / place).parent.mkdir(parents=True)
        (port / place).write_text("")
    (port / "boards/BOARD").mkdir()
    (port / "boards/BOARD/manifest.py").write_text("")
    variables = {"PORT_DIR": port, "BOARD_DIR": port / "boards/BOARD"}
    for name in boards.names():
        frozen = Manifest(variables).run(tmp_path / ARCHIVE / "boards" / name / "manifest.py")
        assert {"main.py", "app/__init__.py", "coap/client.py", "trial.py"} <= frozen.keys()
        assert all(path.is_relative_to(tmp_path / ARCHIVE) for path in frozen.values())


def test_somebodys_settings_are_no_part_of_the_sources(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware/main.py").write_text("import start")
    with pytest.raises(Refused, match="is no checkout of git"):
        sources.archive("a")
    for words in (["init", "-q"], ["add", "firmware/main.py"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    (tmp_path / "firmware/settings.json").write_text('{"access_token": "SECRET"}')
    with tarfile.open(fileobj=io.BytesIO(sources.archive("a"))) as archive:
        assert archive.getnames() == ["a/firmware/main.py"]


def test_the_update_is_signed_by_the_key_that_is_given(tmp_path):
    key, dist = tmp_path / "key.pem", tmp_path / "dist"
    there = run(dist, "--key", key, "--sequence", 3)
    assert there.returncode == 1 and "key.pem" in there.stderr, there.stderr
    assert "Traceback" not in there.stderr and not key.exists() and not dist.exists()
    keys.create(key)
    there = run(dist, "--key", key)
    assert there.returncode == 1 and "SEQUENCE=n" in there.stderr, there.stderr
    there = run(dist, "--key", key, "--sequence", 3)
    assert there.returncode == 0, there.stderr
    package = dist / f"firmware-{VERSION}.bin"
    command = [sys.executable, "-m", "tools.package", "verify", package, "--key", key]
    there = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert there.returncode == 0, there.stdout + there.stderr
    assert package.name in (dist / SUMS).read_text()


def test_with_a_wrong_key_nothing_is_written(tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("no key")
    with pytest.raises(SystemExit, match="^release: .*is no private key in PEM"):
        release.main(tmp_path / "dist", key, 1)
    assert not (tmp_path / "dist").exists()


def test_a_library_that_does_not_compile_is_one_sentence(monkeypatch, tmp_path):
    library = tmp_path / "coap"
    library.mkdir()
    (library / "package.json").write_text('{"urls": [["wrong.py", "wrong.py"]]}')
    (library / "wrong.py").write_text("def f(:\n")
    monkeypatch.setattr(index, "LIBRARIES", [library])
    with pytest.raises(SystemExit, match=r"^release: .*wrong\.py, line 1 does not compile"):
        release.main(tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_without_a_key_there_is_no_update(dist, tmp_path):
    assert not list(dist.glob("*.bin"))
    with pytest.raises(SystemExit, match="^release: WITH is for an update, which wants KEY="):
        release.main(tmp_path / "dist", extras=["low-power"])
    assert not (tmp_path / "dist").exists()


REPEATED = ["firmware/app/__init__.py"]
REPEATED += [f"lib/{library.name}/{name}" for library in LIBRARIES for name in version.NAMES]


@pytest.mark.parametrize("name", REPEATED)
def test_one_version_everywhere(tmp_path, name):
    for each in [version.MAIN, *REPEATED]:
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / each, tmp_path / each)
    assert version.current(tmp_path) == VERSION
    text = (tmp_path / name).read_text()
    assert text.count(f'"{VERSION}"') == 1
    (tmp_path / name).write_text(text.replace(VERSION, "9.9.9"))
    with pytest.raises(Refused, match=f"^{name} has version 9.9.9, and pyproject.toml has"):
        version.current(tmp_path)


def test_a_version_has_three_numbers(tmp_path):
    (tmp_path / version.MAIN).write_text('version = "1.0"\n')
    with pytest.raises(Refused, match="three numbers, like 1.2.0, and not '1.0'"):
        version.current(tmp_path)
