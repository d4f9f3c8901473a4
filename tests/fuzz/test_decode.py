"""decode() on any bytes: a message or ValueError, and the same on both interpreters."""

import subprocess
from pathlib import Path

from hypothesis import Phase, given, settings

from tests.fuzz.datagrams import datagrams
from tests.support.dual import prepare_cpython
from tests.support.messages import Fields, messages
from tools.unixport import LIBRARIES, environment, micropython

prepare_cpython(Path(__file__).parent)

from coap.message import decode  # noqa: E402

generated = settings(max_examples=700)


def recoded(datagram: bytes) -> str:
    """What replay.py prints: the message written again, or ValueError."""
    try:
        return bytes(decode(datagram).encode()).hex()
    except ValueError:
        return "ValueError"


@generated
@given(messages)
def test_a_message_comes_back(fields):
    assert Fields.of(decode(fields.encoded())) == fields


@generated
@given(datagrams)
def test_a_datagram_is_a_message_or_an_error(datagram):
    try:
        message = decode(datagram)
    except ValueError:
        return
    # There is one way only to write a message, so whatever decode() overlooks shows here.
    assert message.encode() == datagram


def test_both_interpreters_agree(tmp_path):
    cases = []

    @settings(generated, phases=[Phase.generate])
    @given(datagrams)
    def collect(datagram):
        cases.append(datagram)

    collect()
    corpus = tmp_path / "corpus"
    corpus.write_text("".join(case.hex() + "\n" for case in cases))
    run = subprocess.run(
        [micropython(), str(Path(__file__).with_name("replay.py")), str(corpus)],
        env=environment(*LIBRARIES),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    found = run.stdout.splitlines()
    assert found == [recoded(case) for case in cases]
    # The corpus is worth its name: neither all good nor all bad.
    assert 0.2 < found.count("ValueError") / len(cases) < 0.8
