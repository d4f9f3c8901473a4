# What the shared attributes say of a package.

from abupdate import Refused
from fakes import raised
from rows import rows
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
    assert not Assignment("fw", {}).is_complete()


@rows(("title", ""), ("version", None), ("size", 0), ("size", None))
def test_it_is_not_complete_without(name, value):
    assert not changed(**{"fw_" + name: value}).is_complete()


def test_the_algorithm_alone_makes_no_other_one():
    assert changed().id == changed().id == changed(fw_checksum_algorithm="MD5").id


@rows(("title", "x"), ("version", "1.2"), ("size", 1), ("checksum", "01"), ("url", "coap://h/p"))
def test_what_makes_another_one(name, value):
    assert changed().id != changed(**{"fw_" + name: value}).id


def test_right_types_are_taken():
    changed().check()
    changed(fw_size=None, fw_url="coap://h/p").check()


@rows(
    *[("title", value) for value in (5, True, ["thermo"], {"a": 1})],
    *[("version", value) for value in (1.1, True, ["1.1"])],
    *[("size", value) for value in ("5000", [0], 1.5, True)],
    *[("url", value) for value in (5, True, ["coap://a/b"])],
)
def test_wrong_types_are_refused(name, value):
    assert raised(Refused, changed(**{"fw_" + name: value}).check)


@rows(("title", 249), ("version", 247))
def test_what_no_query_holds_is_refused(name, longest):
    umlauts = longest // 2 * "\u00fc" + longest % 2 * "x"  # two bytes each
    changed(**{"fw_" + name: umlauts}).check()
    longer = {"fw_" + name: umlauts + "x"}
    assert str(raised(Refused, changed(**longer).check)) == "too long for CoAP: " + name
    changed(fw_url="coap://h/p", **longer).check()


def test_a_size_of_another_type_makes_another_one():
    assert changed(fw_size=5000.0).id != changed(fw_size=5000).id
