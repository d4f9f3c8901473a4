"""Our client on the unix port against libcoap's server (Debian's coap-server-notls)."""

import json
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.interop.peers import LibcoapServer, coap_client, ours
from tools.unixport import ROOT, environment, micropython

GET, PUT, DELETE = 1, 3, 4
CON, NON, ACK = 0, 1, 2
CREATED, CHANGED, CONTENT, NOT_FOUND = 0x41, 0x44, 0x45, 0x84


def body(size: int) -> str:
    return random.Random(size).randbytes(size).hex()


def get(path="example_data", **how):
    return {"request": [GET, path], **how}


def put(size, path="example_data", **how):
    return {"request": [PUT, path], "payload": body(size), **how}


@pytest.fixture
def server(tmp_path):
    with LibcoapServer(tmp_path) as server:
        yield server


def test_get(server):
    (answer, missing), counters = ours(server.port, get("time"), get("nothing/here"))
    assert answer["type"] == ACK and answer["code"] == CONTENT
    assert len(bytes.fromhex(answer["payload"])) > 10  # the date, as text
    assert missing["error"] == "ResponseError" and missing["code"] == NOT_FOUND
    assert set(counters.values()) == {0}


def test_query(server):
    (answer,), _ = ours(server.port, get("time", query=["ticks"]))
    assert bytes.fromhex(answer["payload"]).isdigit()


def test_non(server):
    (answer,), _ = ours(server.port, get("time", type=NON))
    assert answer["type"] == NON and answer["code"] == CONTENT


def test_separate_response(server):
    (answer,), counters = ours(server.port, get("async", query=["1"]))
    assert answer["type"] == CON and bytes.fromhex(answer["payload"]) == b"done"
    assert counters["retransmissions"] == 0  # the empty ACK stopped them


def test_put(server):
    (created, changed, answer), _ = ours(server.port, put(20), put(40), get())
    assert created["code"] == CREATED and changed["code"] == CHANGED
    assert answer["payload"] == body(40)


# Bodies of one block, of exactly a block, and over it; NUM past 15, where it takes another byte.
@pytest.mark.parametrize("block_size", [16, 64, 256, 1024])
@pytest.mark.parametrize("blocks", [0.5, 1, 1.01, 2, 17])
def test_blocks_both_ways(server, block_size, blocks):
    size = int(block_size * blocks) + (blocks == 1.01)
    how = {"block_size": block_size, "max_body": 100_000}
    (created, answer), counters = ours(server.port, put(size, **how), get(**how))
    assert created["code"] == CREATED
    assert answer["payload"] == body(size)
    assert set(counters.values()) == {0}


def test_block_number_past_4095(server):
    size = 16 * 4098 + 3
    how = {"block_size": 16, "max_body": 100_000}
    (created, answer), _ = ours(server.port, put(size, **how), get(streamed=True, **how))
    assert created["code"] == CREATED
    assert answer["payload"] == body(size)


def test_body_larger_than_wanted(server):
    (_, refused), _ = ours(server.port, put(3000), get(max_body=2000))
    assert refused["error"] == "TransferError"


def test_create_and_delete(tmp_path):
    with LibcoapServer(tmp_path, "-d", "5") as server:
        steps = put(10, "new"), get("new"), {"request": [DELETE, "new"]}, get("new")
        (created, answer, deleted, gone), _ = ours(server.port, *steps)
    assert created["code"] == CREATED and answer["payload"] == body(10)
    assert deleted["code"] == 0x42 and gone["code"] == NOT_FOUND


@pytest.mark.parametrize("options,kind", [((), CON), (("-N",), NON)])
def test_observe(tmp_path, options, kind):
    with LibcoapServer(tmp_path, *options) as server:
        (answer, after), counters = ours(
            server.port, {"observe": "time", "messages": 4}, get("time")
        )
    messages = answer["messages"]
    assert len(messages) == 4
    assert all(message["code"] == CONTENT for message in messages)
    assert [message["type"] for message in messages[1:]] == [kind] * 3
    numbers = [int(dict(m["options"])[6] or "0", 16) for m in messages]
    assert numbers == sorted(set(numbers))
    assert len({message["payload"] for message in messages}) >= 3  # the time goes on
    assert after["code"] == CONTENT
    assert counters["malformed"] == counters["stale"] == 0


def test_notification_larger_than_a_block(server, tmp_path):
    url = f"coap://127.0.0.1:{server.port}/example_data"
    sizes = [2500, 3000, 1025]
    coap_client("-m", "put", "-e", "first", url)
    with ThreadPoolExecutor() as pool:
        step = {"observe": "example_data", "messages": 1 + len(sizes)}
        observing = pool.submit(ours, server.port, step)
        for size in sizes:
            time.sleep(0.5)
            content = tmp_path / "content"
            content.write_bytes(bytes.fromhex(body(size)))
            coap_client("-m", "put", "-f", str(content), url)
        (answer,), counters = observing.result()
    payloads = [message["payload"] for message in answer["messages"]]
    assert payloads == [b"first".hex(), *map(body, sizes)]
    assert counters["malformed"] == counters["stale"] == answer["lost"] == 0


def test_lost_answer(tmp_path):
    with LibcoapServer(tmp_path, "-l", "1") as server:
        (answer,), counters = ours(server.port, get("time"))
    assert answer["code"] == CONTENT
    assert counters["retransmissions"] == 1


def test_lost_separate_response(tmp_path):
    # Of the empty ACK and the response the second is lost: the server repeats it.
    with LibcoapServer(tmp_path, "-l", "2") as server:
        (answer,), counters = ours(server.port, get("async", query=["1"]))
    assert bytes.fromhex(answer["payload"]) == b"done"
    assert counters["retransmissions"] == 0


def test_blocks_over_a_lossy_link(tmp_path):
    with LibcoapServer(tmp_path, "-l", "2,5,6,10") as server:
        how = {"block_size": 256}
        (created, answer), counters = ours(server.port, put(1500, **how), get(**how))
    assert created["code"] == CREATED
    assert answer["payload"] == body(1500)
    assert counters["retransmissions"] == 4


def example(name, server, folder):
    """Return the command and how to run one of examples/ against this server."""
    settings = {"server": "127.0.0.1", "port": server.port}
    (folder / "settings.json").write_text(json.dumps(settings))
    how = {"cwd": folder, "env": environment(ROOT / "lib" / "coap"), "text": True}
    return [micropython(), ROOT / "examples" / f"{name}.py"], how


def test_the_example_of_a_download(server, tmp_path):
    command, how = example("coap_download", server, tmp_path)
    done = subprocess.run(command, capture_output=True, timeout=60, **how)
    assert done.stdout.endswith("\n16000 bytes in download.tmp\n"), done
    assert (tmp_path / "download.tmp").read_bytes() == bytes(16_000)


def test_the_example_of_an_observation(server, tmp_path):
    command, how = example("coap_observe", server, tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, **how) as process:
        try:
            lines = [process.stdout.readline() for _ in range(4)]
        finally:
            process.kill()
    assert lines[0].startswith("server 127.0.0.1")
    assert len({line for line in lines[1:] if ":" in line}) > 1, lines  # another time each second
