"""Who is to have a package, and which one: what is wrong is told before anything is changed."""

import pytest
from cryptography.hazmat.primitives import serialization

from tests.system.publish.scene import VERSION, assigned, made
from tools.package import container


@pytest.mark.parametrize(
    "words, told",
    [
        (("--device", "lamp-*"), "no device has a name like lamp-*; there are: pump-00"),
        (("--device", "pump-0"), "no device is named pump-0; did you mean pump-"),
        (("--device", "pump-0*,zzz"), "no device is named zzz; there are: pump-00"),
        (("--profile", "lamps"), "no profile lamps; there are: default, empty"),
        (("--profile", "empty"), "the profile empty has no devices"),
        (("--profile", "default", "--device", "*"), "devices or a profile, not both"),
        ((), "say who is to have it"),
    ],
)
def test_names_that_match_nothing(sim, server, user, package, tool, words, told):
    sim.add_profile("empty")
    code, said = tool("roll-out", package, "--server", server.url, *words)
    assert code == 1 and told in said and "\n" not in said
    assert sim.store.packages == {} and assigned(sim) == []


def test_devices_of_two_profiles_are_refused(sim, server, user, package, tool):
    sim.add_device("lamp", profile=sim.add_profile("lamps"))
    code, said = tool("roll-out", package, "--server", server.url, "--device", "*")
    assert code == 1 and "2 profiles (default, lamps)" in said
    assert sim.store.packages == {}


def test_devices_that_run_something_else_are_refused(sim, server, user, package, tool):
    sim.call(sim.device("pump-03").add_points, 1, {"current_fw_title": "thermo"})
    words = ("roll-out", package, "--server", server.url, "--device", "*", "--minutes", "0.02")
    code, said = tool(*words)
    assert code == 1 and "1 of 12 devices run another application than demo: pump-03" in said
    assert sim.store.packages == {} and assigned(sim) == []
    code, said = tool(*words, "--any-title")
    assert "not ended in" in said


def test_a_file_that_is_not_there(server, user, tool):
    code, said = tool("roll-out", "no.bin", "--server", server.url, "--device", "*")
    assert code == 1 and said == "publish: no.bin: there is no such file"


def test_a_file_that_is_no_package(server, user, tool, tmp_path):
    (tmp_path / "x.bin").write_bytes(b"MZ")
    code, said = tool("roll-out", tmp_path / "x.bin", "--server", server.url, "--device", "*")
    assert code == 1 and said.endswith("x.bin: this is no update package"), said


def test_a_title_that_the_server_does_not_have(sim, server, user, tool):
    words = ("--server", server.url, "--device", "*")
    code, said = tool("roll-out", "demo v9", *words)
    assert code == 1 and "demo v9 is neither a file nor" in said and "it has none" in said
    assert assigned(sim) == []


@pytest.mark.parametrize(
    "words, told",
    [
        (("--stages", "10,5,100"), "STAGES is 10,5,100"),
        (("--stages", "1,10"), "STAGES is 1,10"),
        (("--stages", "all"), "STAGES is all"),
        (("--limit", "0"), "LIMIT is 0"),
        (("--limit", "many"), "LIMIT is many"),
        (("--type", "hw"), "TYPE is hw"),
        (("--with", "low-power"), "PACKAGE has what it was built with"),
    ],
)
def test_options_that_mean_nothing(server, user, package, tool, words, told):
    code, said = tool("roll-out", package, "--server", server.url, "--device", "*", *words)
    assert code == 1 and told in said and "\n" not in said


def test_another_package_under_the_same_version(sim, server, user, key, package, tool, tmp_path):
    words = ("--server", server.url, "--device", "pump-00", "--minutes", "0.02")
    tool("roll-out", package, *words)
    other = made(key, tmp_path / "other.bin", sequence=3)
    code, said = tool("roll-out", other, *words)
    assert code == 1 and f"the server has another demo {VERSION}" in said
    (kept,) = sim.store.packages.values()
    assert kept.data == package.read_bytes()


def test_the_firmware_is_built_without_a_package(sim, server, user, key, tool, tmp_path):
    words = ("--server", server.url, "--device", "pump-00", "--minutes", "0.02")
    code, said = tool("roll-out", *words)
    assert code == 1 and "SEQUENCE" in said
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "key.pem").write_bytes(pem)
    tool("roll-out", *words, "--sequence", "7", "--key", tmp_path / "key.pem", "--type", "fw")
    (kept,) = sim.store.packages.values()
    assert kept.title == "firmware" and container.parse(kept.data).manifest["sequence"] == 7
