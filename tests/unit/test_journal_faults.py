# An outbox on flash that is damaged, full, or loses its power.

from flashfs import FlashFS, PowerCut
from journals import LARGE, Scene
from rows import rows


def damaged(content, at, garbage=b"\x00"):
    return content[:at] + garbage + content[at + len(garbage) :]


def test_any_damaged_byte_costs_its_record_only():
    scene = Scene(record='{"n":%d}')
    scene.add(0, 1, 2)
    path = "journal/00000000"
    content = scene.fs.files[path]
    size = len(content) // 3
    for at in range(len(content)):
        scene.fs.files = {path: damaged(content, at, bytes((content[at] ^ 0xA7,)))}
        scene.start()
        assert scene.sent() == [n for n in range(3) if n != at // size], at
        assert scene.box.damaged == 1 or at // size == 2  # nobody misses the last


@rows(
    zeros=bytes(1000), erased=b"\xff" * 1000, magic=b"\xa7" * 1000, cut=b"", short=b"\xa7\x03\x04"
)
def test_a_file_of_garbage_costs_that_file(garbage):
    scene = Scene()
    scene.add_all(range(200))
    names = sorted(scene.fs.listdir("journal"))
    assert len(names) > 3
    scene.fs.files["journal/" + names[1]] = garbage
    first, second = int(names[1], 16), int(names[2], 16)
    scene.start()
    assert scene.sent() == list(range(first)) + list(range(second, 200))
    assert scene.box.damaged == second - first


def test_a_lost_file_is_no_end():
    scene = Scene()
    scene.add_all(range(200))
    names = sorted(scene.fs.listdir("journal"))
    del scene.fs.files["journal/" + names[1]]
    scene.start()
    assert len(scene.sent()) == 200 - (int(names[2], 16) - int(names[1], 16))


def test_more_is_written_behind_what_is_damaged():
    scene = Scene()
    scene.add_all(range(10))
    scene.fs.files["journal/00000000"] = scene.fs.files["journal/00000000"][:-5]
    scene.start()
    scene.add_all(range(9, 20))
    scene.start()
    assert scene.sent() == list(range(20))


@rows(whole=b"\xff" * 4090, short=b"\xff" * 100)
def test_behind_a_newest_file_of_garbage_nothing_is_lost(garbage):
    scene = Scene()
    scene.add_all(range(100))
    scene.fs.files["journal/" + sorted(scene.fs.listdir("journal"))[-1]] = garbage
    scene.start()
    scene.add_all(range(100, 300))
    assert max([len(data) for data in scene.fs.files.values()]) <= 4096
    assert scene.sent()[-200:] == list(range(100, 300))


@rows(b"", b"\x00" * 8, b"\xff" * 20)
def test_a_damaged_head_sends_again_what_a_file_still_has(head):
    scene = Scene()
    scene.add_all(range(100))
    scene.batch()
    scene.box.accepted()
    scene.fs.files["journal/head"] = head
    scene.start()
    assert scene.sent() == list(range(100))


def test_strange_files_are_left_alone():
    scene = Scene(FlashFS({"journal/notes.txt": b"mine", "journal/head.old": b""}))
    scene.add(1)
    scene.start()
    assert scene.sent() == [1] and scene.fs.files["journal/notes.txt"] == b"mine"


@rows(short="bad", long="00000000000", upper="0000000A", prefix="0x00000a", beyond="ffffffff")
def test_names_that_only_look_like_the_journals_are_left_alone(name):
    scene = Scene()
    scene.add(1)
    scene.fs.files["journal/" + name] = b"mine"
    for n in (2, 3):
        scene.start()
        scene.add(n)
    assert scene.sent() == [1, 2, 3] and scene.fs.files["journal/" + name] == b"mine"


def test_a_file_that_was_only_begun_is_no_damage():
    scene = Scene(FlashFS({"journal/00000005": b""}))
    scene.add(1)
    scene.start()
    assert scene.sent() == [1] and scene.box.damaged == 0


def test_a_number_that_is_far_away_costs_no_time():
    scene = Scene()
    scene.add(1)
    scene.fs.files["journal/e0000000"] = b"mine"
    scene.start()
    scene.fs.blocks = len(scene.fs.files)
    scene.add(2)
    assert scene.box.finish() == 0 and scene.batch() == [2]


def test_a_folder_in_the_place_of_the_newest_file_costs_no_record():
    fs = FlashFS({"journal/00000005": b""})

    def open(path, mode):
        if path == "journal/00000005":
            raise OSError(21)  # EISDIR
        return FlashFS.open(fs, path, mode)

    def stat(path):
        return (0x4000,) + FlashFS.stat(fs, path)[1:]

    fs.open = open
    fs.stat = stat
    scene = Scene(fs)
    scene.add(1)
    scene.start()
    assert scene.sent() == [1]


def test_of_a_huge_file_no_more_is_read_than_a_journal_writes():
    scene = Scene()
    scene.add(1)
    path = "journal/00000000"
    scene.fs.files[path] = b"\xff" * 4096 + scene.fs.files[path]
    scene.start()
    scene.add(2)
    assert scene.sent() == [2] and scene.box.damaged == 1


# A full file system


def test_on_a_full_flash_records_wait_in_ram_and_one_problem_tells():
    scene = Scene()
    scene.add(1)
    scene.fs.full = True
    scene.add(2, 3)
    problem = scene.box.keep()
    assert str(problem.args[1]) == (
        "journal: the file system is full, remove files; records wait in RAM"
    )
    scene.add(4)
    assert scene.box.keep() is problem
    assert len(scene.box) == 4 and scene.box.dropped == 0
    scene.fs.full = False
    scene.box.keep()
    assert scene.box.problem  # it is not tried all the time
    scene.ticks.now += 30_000
    assert scene.box.keep() is None
    scene.start()
    assert scene.sent() == [1, 2, 3, 4]


def test_what_the_server_took_is_noted_later_where_memory_was_short():
    scene = Scene()
    scene.add_all(range(40))
    taken = scene.batch()

    def short(path, mode):
        raise MemoryError

    scene.box._segments._open = short
    scene.box.accepted()
    assert scene.box.keep()
    scene.box._segments._open = scene.fs.open
    assert scene.batch()[0] == len(taken)
    assert scene.box.keep()  # it is not tried all the time
    scene.ticks.now += 30_000
    assert scene.box.keep() is None
    scene.start()
    assert scene.batch()[0] == len(taken)


def test_on_a_full_flash_the_server_gets_what_waits():
    scene = Scene()
    scene.fs.full = True
    scene.add_all(range(50))
    assert scene.sent() == list(range(50))
    scene.start()
    assert scene.sent() == []


@rows(empty=0, with_a_backlog=200)
def test_on_a_flash_that_stays_full_ram_is_bounded(before):
    scene = Scene()
    scene.add_all(range(before))
    scene.fs.full = True
    scene.add_all(range(before, 800))
    assert scene.box._bytes <= 8192
    kept = scene.sent()
    assert kept == list(range(800 - len(kept), 800)) and len(kept) > 45
    assert scene.box.dropped == 800 - len(kept)


def test_what_a_full_flash_has_cost_mixes_up_no_others():
    scene = Scene()
    scene.fs.full = True
    scene.add_all(range(300))
    scene.fs.full = False
    scene.ticks.now += 30_000
    assert scene.box.keep() is None
    scene.start()
    kept = scene.sent()
    assert kept == list(range(300 - len(kept), 300)) and len(kept) > 45


def test_a_start_writes_nothing_and_goes_well_on_a_full_flash():
    scene = Scene()
    scene.add_all(range(100))
    first = scene.batch()
    scene.box.accepted()
    scene.fs.changes = 0
    scene.fs.full = True
    scene.start()
    assert scene.fs.changes == 0
    assert scene.batch()[0] == len(first)


def test_on_a_full_flash_the_oldest_file_makes_room():
    scene = Scene()
    scene.add_all(range(200))
    scene.fs.blocks = len(scene.fs.files)
    scene.add_all(range(200, 400))
    scene.ticks.now += 30_000
    scene.box.keep()
    assert scene.box.problem and 0 < scene.box.dropped < 300
    assert scene.sent() == list(range(scene.box.dropped, 400))


def test_before_ram_is_lost_the_oldest_file_makes_room_and_no_other():
    scene = Scene(every=20)
    scene.add_all(range(200))
    scene.box.write()
    scene.fs.blocks = len(scene.fs.files)
    scene.add_all(range(200, 210))
    assert scene.box.write() == 10 and scene.box.dropped == 0
    assert scene.box.finish() == 0 and scene.box.problem is None
    dropped = scene.box.dropped
    assert 30 < dropped < 50
    scene.start()
    assert scene.sent() == list(range(dropped, 210))


@rows(full=(28, 0), broken=(5, 100))
def test_finishing_ends_where_no_file_can_make_room(errno, before):
    def fails(*change):
        raise OSError(errno)

    scene = Scene(every=20)
    scene.add_all(range(before))
    scene.box.write()
    change = scene.fs.change
    scene.fs.change = fails
    scene.add(before)
    assert scene.box.finish() == 1 and scene.box.problem.args[0] == errno
    assert scene.box.dropped == 0
    scene.fs.change = change
    assert scene.sent() == list(range(before + 1))


# Power cuts


def lived(scene):
    """Live with a journal until the power fails; return what it wrote, what was accepted and what
    was in flight. None of those: nothing was cut.
    """
    written, accepted, flying = [], [], []
    try:
        scene.start()
        for n in range(24):
            scene.add(n)
            written.append(n)
            if n % 7 == 6:
                flying = scene.batch()
                scene.box.accepted()
                accepted += flying
                flying = []
        while flying := scene.batch():
            scene.box.accepted()
            accepted += flying
    except PowerCut:
        return written, accepted, flying


@rows(whole=False, half=True)
def test_after_a_cut_at_any_change_nothing_is_lost_or_sent_twice(half):
    cuts = 0
    while True:
        scene = Scene(record=LARGE)
        scene.fs.cut_at = cuts + 1
        scene.fs.half = half
        books = lived(scene)
        if not books:
            break
        cuts += 1
        written, accepted, flying = books
        scene.fs.cut_at = 0
        scene.start()
        scene.add(1000)
        again = scene.sent()
        assert again == sorted(set(again)) and again.pop() == 1000, (cuts, again)
        assert not set(again) & set(accepted), cuts
        missing = set(written) - set(accepted) - set(flying) - set(again)
        assert not missing, (cuts, missing)
        assert set(again) <= set(written) | {len(written)}
    assert cuts > 40
