"""What a board hears over DTLS while its memory is in pieces: with Mbed TLS at both ends."""

import json
import subprocess
from pathlib import Path

from tests.support import secure
from tools.unixport import LIBRARIES, ROOT, environment, micropython

MAIN = Path(__file__).with_name("records_main.py")


def test_small_records_are_heard_while_memory_is_in_pieces(tmp_path):
    secure.make(tmp_path)
    files = [tmp_path / name for name in ("server.cert.der", "server.key.der", "ca.cert.der")]
    run = subprocess.run(
        [micropython(), MAIN, *files],
        env=environment(*LIBRARIES, ROOT / "tests" / "device"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    of_mbedtls, of_the_socket = json.loads(run.stdout)
    # A record that fills what is read is taken for one that was cut, and Mbed TLS keeps no rest.
    assert of_mbedtls == [8, 127, 0, 0, 0, 9, None]
    # What the socket cuts is no record any more; 128 bytes are one of 165.
    assert of_the_socket == [8, 127, 0, 9, None, None, None]
