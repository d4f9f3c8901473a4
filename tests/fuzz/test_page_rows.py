"""Whatever a device sends, the simulator's page has a row for it, and its stream goes on."""

import json

from hypothesis import given, settings

from tests.fuzz.datagrams import datagrams as any_datagram
from tools.tbsim import Event
from tools.tbsim.model.store import Store
from tools.tbsim.web.page.datagrams import Datagrams
from tools.tbsim.wire.codec import decode


@given(any_datagram)
@settings(max_examples=500)
def test_every_datagram_has_a_row(datagram):
    datagrams = Datagrams(Store())
    datagrams.record(Event(0.0, True, ("127.0.0.1", 5683), decode(datagram), datagram))
    (row,), left_out = datagrams.after(0)
    assert json.loads(json.dumps(row))["bytes"] == len(datagram)
    assert row["n"] == 1 and left_out == 0
