# Settings as owners write them: what is plainly meant is taken, the rest is one line.

import json

from rows import rows
from settings_of import GOOD, refused, taken, usual_board, with_settings
from updates import KEY

WIFI = {"wifi_interface": 0}
CUT = "settings.json: cut off; copy it again, whole"
NO_UTF8 = "settings.json: not in UTF-8; save it as UTF-8 text"
DEEP = "settings.json: brackets in more than 8 levels; no setting has so many"
NO_JSON = (
    "settings.json: no JSON; names and texts stand in double quotes, commas between the entries"
)
NO_OBJECT = 'settings.json: %s; expected an object, {"name": value, ...}'


def test_defaults():
    assert taken(with_settings()) == {
        "server": "h",
        "port": 5683,
        "trusted": None,
        "server_name": None,
        "certificate": None,
        "key": None,
        "time_port": 5683,
        "wifi_ssid": None,
        "wifi_password": "",
        "wifi_country": None,
        "wifi_security": None,
        "wifi_address": None,
        "hostname": None,
        "access_token": "SECRET",
        "provision_key": None,
        "provision_secret": None,
        "device_name": None,
        "payload": "json",
        "interval": 30,
        "keepalive": 25,
        "watchdog": 8,
        "trial": 1200,
        "offline": 1800,
        "refused": 86400,
        "journal": 16,
        "journal_records": 10,
        "journal_seconds": 10,
        "report_every": 0,
        "listen": 2,
        "led": usual_board.facts.led,
        "credentials": {},
        "keys": b"",
        "notes": [],
    }


def utf16(text, big):
    return b"".join([ord(c).to_bytes(2, "big" if big else "little") for c in text])


@rows(
    list=("[]", NO_OBJECT % "a list"),
    null=("null", NO_OBJECT % "a single value"),
    number=("5", NO_OBJECT % "a single value"),
    text=('"text"', NO_OBJECT % "a single value"),
    empty=("", "settings.json: empty; copy it again, whole"),
    blank=(" \r\n", "settings.json: empty; copy it again, whole"),
    quotes=("{'server': 'h'}", NO_JSON),
    lines=("server=h", NO_JSON),
    bare=('{"server": h, "access_token": "SECRET"}', NO_JSON),
)
def test_what_is_no_object(content, line):
    assert refused(content) == line


@rows(
    missing=(None, "settings.json: missing; copy one to the board's root folder"),
    cut=('{"server": "h", "access_token": "SECRET"', CUT),
    cut_in_a_text=('{"server": "h", "access_token": "SECR', CUT),
    cut_after_a_backslash=('{"server": "h", "access_token": "SECRET\\"}', CUT),
    deep=("[" * 3000, DEEP),
    deep_and_whole=('{"led": ' + "[" * 1000 + "]" * 1000 + "}", DEEP),
    huge=(" " * 4097, "settings.json: larger than 4096 bytes; shorten it"),
    huge_and_whole=(
        with_settings() + " " * 4096,
        "settings.json: larger than 4096 bytes; shorten it",
    ),
    no_utf8=(b'{"server": "\xe4", "access_token": "SECRET"}', NO_UTF8),
    half_a_utf16=(with_settings().encode("utf-8") + b"\xff", NO_UTF8),
    a_list_as_a_key=('{[1]: 2, "access_token": "SECRET"}', NO_JSON),
    utf16_without_a_mark=(utf16(with_settings(), False), NO_UTF8),
    surrogates=(b"\xff\xfe\x00\xd8\x00\xdc", NO_UTF8),
)
def test_a_file_that_will_not_do(content, line):
    assert refused(content) == line


@rows(
    "{",
    '{"server": "h", "led": [1',
    '{"server": "h", "access_token": "SECR',
    '{"a": "\\"}',
)
def test_what_was_cut_is_told_whatever_the_reader_makes_of_it(content):
    # MicroPython 1.25 takes it for whole.
    assert refused(content, reader=lambda text: dict(GOOD)) == CUT


def test_the_largest_file():
    assert taken(with_settings().encode() + b" " * (4096 - len(with_settings())))["server"] == "h"


PLAIN = '{"server": "h", "access_token": "SECRET",\r\n"wifi_ssid": "caf\u00e9"}\r\n'


@rows(
    utf8=PLAIN.encode(),
    mark=b"\xef\xbb\xbf" + PLAIN.encode(),
    utf16_little=b"\xff\xfe" + utf16(PLAIN, False),
    utf16_big=b"\xfe\xff" + utf16(PLAIN, True),
    escapes=PLAIN.replace("\u00e9", "\\u00e9").encode(),
    blanks=b"\n\t " + PLAIN.replace(" ", " \t ").encode() + b"\n\n",
)
def test_files_of_any_editor(content):
    config = taken(content)
    assert config["server"] == "h" and config["access_token"] == "SECRET"
    assert config["wifi_ssid"] == "caf\u00e9"


@rows(
    name=("h", "h", 5683),
    address=("10.0.0.7", "10.0.0.7", 5683),
    blanks=("  h \r\n", "h", 5683),
    with_port=("h:1234", "h", 1234),
    url=("coap://h", "h", 5683),
    url_with_port=("coap://h:1234", "h", 1234),
    url_with_slash=("CoAP://h:1234/", "h", 1234),
    empty_port=("h:", "h", 5683),
    ipv6=("fd00::7", "fd00::7", 5683),
    ipv6_in_brackets=("[fd00::7]", "fd00::7", 5683),
    ipv6_with_port=("coap://[fd00::7]:1234/", "fd00::7", 1234),
)
def test_what_a_server_may_be(server, host, port):
    config = taken(with_settings(server=server))
    assert (config["server"], config["port"]) == (host, port)


def test_the_setting_port_counts_more_than_that_of_the_url():
    assert taken(with_settings(server="coap://h:1234", port=99))["port"] == 99
    assert taken(with_settings(server="coap://h:1234", port=""))["port"] == 1234
    assert taken(with_settings(server="coap://h:1234", port=None))["port"] == 1234


@rows(
    "http://h",
    "coap://",
    "coap+tcp://h",
    "h/path",
    "coap://h/api/v1",
    "h h",
    "[fd00::7",
    "[fd00::7]1234",
    "[]:5683",
    ":5683",
    "h:0",
    "h:65536",
    "h:x",
    "h:-1",
    "h:99999999999",
    5,
    True,
    ["h"],
    {"h": 1},
)
def test_what_is_no_server(server):
    assert refused(with_settings(server=server)).startswith("settings.json: server: expected ")


@rows(
    ("port", 1, 1),
    ("port", "65535", 65535),
    ("port", " 5684 ", 5684),
    ("payload", "protobuf ", "protobuf"),
    ("interval", "10", 10),
    ("interval", None, 30),
    ("interval", "", 30),
    ("keepalive", 0, 0),
    ("watchdog", 0, 0),
    ("trial", 0, 0),
    ("offline", 0, 0),
    ("offline", "21600", 21600),
    ("refused", 31536000, 31536000),
    ("journal", 0, 0),
    ("journal_records", "1", 1),
    ("journal_seconds", 0, 0),
    ("report_every", 1000, 1000),
    ("listen", 0, 0),
    ("led", 25, 25),
    ("led", "LED", "LED"),
    ("wifi_country", "de", "de"),
    ("wifi_security", "wpa3", "wpa3"),
    ("wifi_security", 7, 7),
    ("wifi_password", " SECRET ", "SECRET"),
    ("hostname", "pump-7", "pump-7"),
    ("hostname", "x" * 32, "x" * 32),
    ("device_name", "Pumpe 7", "Pumpe 7"),
    ("wifi_address", ["10.0.0.9", "255.255.255.0", "10.0.0.1", "0.0.0.0"], None),
)
def test_values_that_are_taken(name, value, result):
    assert taken(with_settings(**{name: value}))[name] == (value if result is None else result)


@rows(
    ("port", 0),
    ("port", 65536),
    ("port", "x"),
    ("port", "1" * 3000),
    ("port", 5683.5),
    ("port", True),
    ("port", [5683]),
    ("port", {"a": 1}),
    ("payload", "xml"),
    ("payload", ["json"]),
    ("interval", 0),
    ("interval", 86401),
    ("interval", "0.5"),
    ("interval", "-5"),
    ("interval", False),
    ("keepalive", -1),
    ("watchdog", 9),
    ("trial", -1),
    ("offline", 21601),
    ("refused", 31536001),
    ("journal", 4097),
    ("journal_records", 0),
    ("journal_seconds", -1),
    ("report_every", 1001),
    ("listen", 3601),
    ("led", 1.5),
    ("led", True),
    ("led", ["LED"]),
    ("access_token", 5),
    ("access_token", True),
    ("access_token", ["SECRET"]),
    ("provision_key", {"SECRET": 1}),
    ("wifi_ssid", 5),
    ("wifi_password", 12345678),
    ("wifi_country", "DEU"),
    ("wifi_country", "D1"),
    ("wifi_country", 49),
    ("wifi_security", 1.5),
    ("wifi_security", ["wpa3"]),
    ("hostname", "a_b"),
    ("hostname", "-a"),
    ("hostname", "a-"),
    ("hostname", "x" * 33),
    ("hostname", "caf\u00e9"),
    ("hostname", 5),
    ("wifi_address", "10.0.0.9"),
    ("wifi_address", ["10.0.0.9"] * 3),
    ("wifi_address", ["10.0.0.9"] * 5),
    ("wifi_address", ["10.0.0.256"] * 4),
    ("wifi_address", ["10.0.0"] * 4),
    ("wifi_address", ["10.0..9"] * 4),
    ("wifi_address", ["10.0.0.-9"] * 4),
    ("wifi_address", ["fd00::7"] * 4),
    ("wifi_address", [1, 2, 3, 4]),
)
def test_values_that_are_refused(name, value):
    line = refused(with_settings(**{name: value}))
    assert line.startswith("settings.json: %s: expected " % name)


@rows(
    typo=("sever", "sever"), long=("x" * 200, "x" * 40), lines=("a\r\n b", "a b"), empty=("", "")
)
def test_an_unknown_name_is_told_with_the_known_ones(name, shown):
    line = refused(with_settings(**{name: "SECRET"}))
    start = "settings.json: %s: unknown; known are access_token, certificate, " % shown
    assert line.startswith(start)


TOKEN_MISSING = "access_token: missing; give it, or both provision_key and provision_secret"


@rows(
    blank_server=(
        {"server": " ", "access_token": "t"},
        "server: missing; give the server's name or address",
    ),
    server=({"access_token": "t"}, "server: missing; give the server's name or address"),
    token=({"server": "h"}, TOKEN_MISSING),
    empty_token=({"server": "h", "access_token": " "}, TOKEN_MISSING),
    secret=(
        {"server": "h", "provision_key": "k"},
        "provision_secret: missing; it goes with provision_key",
    ),
    key=(
        {"server": "h", "provision_secret": "SECRET"},
        "provision_key: missing; it goes with provision_secret",
    ),
)
def test_what_is_needed(given, line):
    assert refused(json.dumps(given)) == "settings.json: " + line


def test_a_bracket_too_many_is_told():
    line = "settings.json: a bracket is closed that was never opened; remove it"
    assert refused("{]}}") == line


def test_a_token_has_at_most_255_bytes():
    assert taken(with_settings(access_token="\u00e9" * 127 + "x"))
    line = refused(with_settings(access_token="SECRET" + "x" * 250))
    expected = "expected the device's access token, text of 1 to 255 bytes"
    assert line == "settings.json: access_token: " + expected


def test_a_board_with_wifi_needs_its_name():
    assert (
        refused(with_settings(), WIFI)
        == "settings.json: wifi_ssid: missing; give the network's name"
    )
    assert taken(with_settings(wifi_ssid="net"), WIFI)["wifi_password"] == ""


def test_the_boards_own_limits():
    facts = {"watchdog_max_s": 5, "led": 2}
    assert refused(with_settings(watchdog=6), facts).endswith("0 (off) to 5")
    assert taken(with_settings(watchdog=5), facts)["led"] == 2


def test_credentials_are_handed_on_as_saved():
    saved = {"access_token": "SECRET", "provisioned": True}
    config = taken(with_settings(), credentials_json=json.dumps(saved))
    assert config["credentials"] == saved and config["notes"] == []


@rows(
    b"",
    b"[]",
    b"null",
    b'{"access_token": "SECRET", "provis',
    b"\x00" * 64,
    b"\xff\xfe",
    b"\xff" * 64,
    b"[" * 1000,
    b" " * 5000,
)
def test_damaged_credentials_are_passed_over_and_told(content):
    config = taken(with_settings(), credentials_json=content)
    (note,) = config["notes"]
    assert config["credentials"] == {}
    assert note.startswith("credentials.json: ") and note.endswith("; passed over")
    assert "copy" not in note
    assert "SECRET" not in note


@rows(none=b"", one=KEY, four=KEY * 4)
def test_keys(content):
    assert taken(with_settings(), update_keys=content)["keys"] == content


@rows(cut=KEY[:-1], a_byte_more=KEY + b"x", five=KEY * 5, text=b"-----BEGIN PUBLIC KEY-----\n")
def test_keys_that_are_none(content):
    line = "update.keys: expected 1 to 4 keys of 384 bytes"
    assert refused(with_settings(), update_keys=content) == line
