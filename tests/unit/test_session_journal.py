# A session whose outbox is on flash: what is written when, and what is told of it.

from coap import ResponseError
from coap.message import Message
from flashfs import FlashFS
from thingsboard.journal import Journal
from world import failing, session, silence


def journal(clock):
    """Return a Journal and, as its member fs, the flash that it is on."""
    fs = FlashFS()
    box = Journal(clock, os=fs, open=fs.open, every=10, delay_ms=10_000)
    box.fs = fs
    return box


def damaged(clock):
    before = journal(clock)
    for _ in range(3):
        before.add("{}", 5)
    before.write()
    files = before.fs.files
    files["journal/00000000"] = b"\x00" + files["journal/00000000"][1:]
    return Journal(clock, os=before.fs, open=before.fs.open)


@session(outbox=journal)
def test_what_the_server_takes_in_time_is_not_written(world, client, device, log):
    world.pass_ms(500)
    device.record({"t": 1})
    world.pass_ms(15_000)
    assert device.outbox.fs.changes == 0
    client.answers = failing("telemetry", [silence() for _ in range(100)])
    device.record({"t": 2})
    world.pass_ms(9000)
    assert device.outbox.fs.changes == 0
    world.pass_ms(2500)
    assert device.outbox.fs.changes == 2  # a folder and a file
    client.answers = failing("telemetry", [])
    world.pass_ms(120_000)
    assert len(device.outbox) == 0 and device.outbox.fs.files == {}


@session(outbox=journal)
def test_a_full_flash_is_one_problem_until_it_has_room(world, client, device, log):
    world.pass_ms(500)
    client.answers = failing("telemetry", [ResponseError(Message(0xA0)) for _ in range(100)])
    device.outbox.fs.full = True
    for n in range(20):
        device.record({"t": n})
        world.pass_ms(10_000)
    full = "journal: the file system is full, remove files; records wait in RAM"
    assert log.count(full) == 1
    device.outbox.fs.full = False
    world.pass_ms(40_000)
    assert not device.outbox.problem and device.problem != full
    client.answers = failing("telemetry", [])
    world.pass_ms(120_000)
    assert len(device.outbox) == 0 and device.problem is None


@session(outbox=damaged)
def test_damaged_records_are_told_once_and_the_others_arrive(world, client, device, log):
    world.pass_ms(120_000)
    assert log == ["journal: 1 records are damaged"] and device.problem is None
    assert client.payloads == [b'[{"ts":5,"values":{}},{"ts":5,"values":{}}]']
