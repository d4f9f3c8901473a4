# Shared attributes as last heard, and who is told of changes.

import json

from coap import TransferError
from fakes import raised
from rows import rows
from thingsboard import payload_json
from thingsboard.attributes import SharedAttributes


def attributes(report=None):
    it = SharedAttributes(payload_json, report)
    heard = []
    it.listen(lambda changed, deleted: heard.append((changed, sorted(deleted))))
    return it, heard


def test_changes():
    it, heard = attributes()
    it.take(b'{"a":1,"b":2}', True)
    it.take(b'{"a":5}', False)
    it.take(b'{"deleted":["b","never"]}', False)
    assert it.values == {"a": 5}
    it.take(b'{"a":5}', True)  # registered again: nothing is new
    it.take(b'{"c":1}', True)  # a has gone unnoticed
    assert heard == [
        ({"a": 1, "b": 2}, []),
        ({"a": 5}, []),
        ({}, ["b", "never"]),
        ({"c": 1}, ["a"]),
    ]


@rows(("1", "true"), ("0", "false"), ("5000.0", "5000"))
def test_a_value_of_another_type_is_a_change(before, after):
    it, heard = attributes()
    it.take(('{"a":%s}' % before).encode(), True)
    it.take(('{"a":%s}' % after).encode(), False)
    assert len(heard) == 2 and repr(it.values["a"]) == repr(json.loads(after))


def test_an_attribute_named_deleted():
    it, _ = attributes()
    it.take(b'{"deleted":["x"]}', True)  # in the full state it is a key like any other
    assert it.values == {"deleted": ["x"]}
    it.take(b'{"deleted":"yes"}', False)  # no list: no deletion
    assert it.values == {"deleted": "yes"}


def test_a_raising_listener_does_not_keep_the_others_from_hearing():
    log = []
    it = SharedAttributes(payload_json, lambda what, error: log.append((what, error)))
    heard = []
    it.listen(lambda changed, deleted: changed["missing"])
    it.listen(lambda changed, deleted: heard.append(changed))
    it.take(b'{"a":1}', True)
    assert heard == [{"a": 1}]
    assert len(log) == 1 and log[0][0] == "attributes" and isinstance(log[0][1], KeyError)


@rows(empty=b"", no_json=b"{", array=b"[]", number=b"5", null=b"null")
def test_a_payload_that_is_none_changes_nothing(payload):
    it, heard = attributes()
    it.take(b'{"a":1}', True)
    for full in (True, False):
        assert raised(TransferError, it.take, payload, full)
    assert it.values == {"a": 1} and len(heard) == 1


def test_a_listener_is_told_of_what_it_wants():
    it = SharedAttributes(payload_json, None)
    heard = {"ab": [], "b": []}
    it.listen(lambda changed, deleted: heard["ab"].append((changed, deleted)), ("a", "b"))
    it.listen(lambda changed, deleted: heard["b"].append((changed, deleted)), ["b"])
    assert it.wanted() == ["a", "b"]
    it.take(b'{"a":1,"c":"never kept"}', True)
    assert it.values == {"a": 1} and heard == {"ab": [({"a": 1}, [])], "b": []}
    it.take(b'{"b":2}', False)
    it.take(b'{"deleted":["a","c"]}', False)
    it.take(b'{"b":2}', False)
    assert heard["ab"][1:] == [({"b": 2}, []), ({}, ["a"])] and heard["b"] == [({"b": 2}, [])]
    it.listen(lambda changed, deleted: None)
    assert it.wanted() is None
    it.take(b'{"b":2,"c":1}', True)
    assert it.values == {"b": 2, "c": 1}


def test_what_could_not_be_read_is_not_deleted():
    it, heard = attributes()
    it.take_values({"a": 1, "b": 2}, True)
    it.take_values({"a": 1}, True, ["b"])
    assert it.values == {"a": 1, "b": 2} and len(heard) == 1


def test_changes_without_end_do_not_fill_the_memory():
    it = SharedAttributes(payload_json, None)
    it.listen(lambda changed, deleted: None)
    taken = 0
    try:
        while taken < 1000:
            it.take(json.dumps({"name_%d" % taken: "x" * 1000}).encode(), False)
            taken += 1
    except TransferError as error:
        assert "name those that are wanted" in str(error)
    assert 24 <= taken < 32
    it.take(b'{"a":1}', True)  # the full state is what there is
    assert it.values == {"a": 1}
    for n in range(1000):  # a value that changes does not grow
        it.take(json.dumps({"a": str(n) + "x" * 1000}).encode(), False)
    assert len(it.values) == 1


def test_what_nobody_wants_is_not_kept_and_not_counted():
    it = SharedAttributes(payload_json, None)
    it.listen(lambda changed, deleted: None, ("a",))
    for n in range(100):
        it.take(json.dumps({"name_%d" % n: "x" * 1000, "a": n}).encode(), False)
    assert it.values == {"a": 99}
