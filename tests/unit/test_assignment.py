# What the shared attributes say of a package.

from abupdate import Refused
from fakes import raised
from thingsboard.assignment import Assignment

WHOLE = {
    "fw_title": "thermo",
    "fw_version": "1.1",
    "fw_size": 5000,
    "fw_checksum": "00",
    "fw_checksum_algorithm": "SHA256",
    "sw_title": "other",
}


def changed(**changes):
    return Assignment("fw", dict(WHOLE, **changes))


def test_it_reads_the_attributes_of_its_prefix():
    it = Assignment("fw", WHOLE)
    assert (it.title, it.version, it.size) == ("thermo", "1.1", 5000)
    assert (it.checksum, it.algorithm, it.url) == ("00", "SHA256", None)
    assert Assignment("sw", WHOLE).title == "other"
    assert Assignment("sw", {}).title is None


def test_it_is_complete_with_title_version_and_size_or_url():
    assert changed().is_complete()
    assert changed(fw_size=None, fw_url="coap://h/p").is_complete()
    for changes in ({"fw_title": ""}, {"fw_version": None}, {"fw_size": 0}, {"fw_size": None}):
        assert not changed(**changes).is_complete(), changes
    assert not Assignment("fw", {}).is_complete()


def test_all_but_the_algorithm_makes_another_one():
    it = changed()
    assert it == changed() and it != None  # noqa: E711
    assert it == changed(fw_checksum_algorithm="MD5")
    for name, value in (("title", "x"), ("version", "1.2"), ("size", 1), ("checksum", "01")):
        assert it != changed(**{"fw_" + name: value}), name
    assert it != changed(fw_url="coap://h/p")


def test_wrong_types_are_refused():
    changed().check()
    changed(fw_size=None, fw_url="coap://h/p").check()
    for name, values in (
        ("title", (5, True, ["thermo"], {"a": 1})),
        ("version", (1.1, True, ["1.1"])),
        ("size", ("5000", [0], 1.5, True)),
        ("url", (5, True, ["coap://a/b"])),
    ):
        for value in values:
            assert raised(Refused, changed(**{"fw_" + name: value}).check), (name, value)
