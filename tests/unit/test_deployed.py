"""The end of a deployment by cable, with a power cut before each of its steps."""

import json
import os

import deployed
from updates import empty_root, read, write

PLACES = ("/start.mpy", "/factory/app/new.mpy", "/factory/old.mpy")


class Cut(Exception):
    pass


class Power:
    """The module os, until the power fails."""

    def __init__(self, steps):
        self.steps = steps

    def __getattr__(self, name):
        if name == "listdir":
            return os.listdir

        def step(*paths):
            if self.steps == 0:
                raise Cut
            self.steps -= 1
            return getattr(os, name)(*paths)

        return step


def deployment():
    """Return the root of a board to which all was copied, but nothing was moved."""
    root = empty_root()
    for folder in ("new", "factory"):
        os.mkdir(root + folder)
    write(root, "start.mpy", b"old start")
    write(root, "factory/old.mpy", b"old")
    write(root, "factory/gone.mpy", b"gone")
    for number, place in enumerate(PLACES):
        write(root, "new/%d" % number, place.encode())
    moves = [[str(number), root + place[1:]] for number, place in enumerate(PLACES)]
    plan = {"move": moves, "remove": [root + "factory/gone.mpy"]}
    write(root, "new/plan", json.dumps(plan).encode())
    return root


def finish(root, steps=-1):
    """Return whether the power lasted."""
    deployed.FOLDER = root + "new"
    deployed.PLAN = root + "new/plan"
    deployed.os = Power(steps)
    try:
        deployed.finish()
    except Cut:
        return False
    return True


def is_done(root):
    return (
        "new" not in os.listdir(root)
        and "gone.mpy" not in os.listdir(root + "factory")
        and all(read(root, place[1:]) == place.encode() for place in PLACES)
    )


def test_a_cut_before_any_step_is_made_good_at_the_next_start():
    steps = 0
    while True:
        root = deployment()
        if finish(root, steps):
            break
        assert not is_done(root)
        finish(root)
        assert is_done(root), steps
        steps += 1
    assert steps > 6 and is_done(root)


def test_what_was_copied_in_part_is_removed():
    root = deployment()
    os.remove(root + "new/plan")
    assert finish(root)
    assert "new" not in os.listdir(root)
    assert read(root, "start.mpy") == b"old start"
    assert "gone.mpy" in os.listdir(root + "factory")


def test_a_plan_that_was_cut_is_none():
    root = deployment()
    write(root, "new/plan", read(root, "new/plan")[:-9])
    assert finish(root)
    assert "new" not in os.listdir(root) and read(root, "start.mpy") == b"old start"


def test_a_move_that_fails_leaves_the_plan_for_the_next_start():
    root = deployment()
    os.remove(root + "start.mpy")
    os.mkdir(root + "start.mpy")  # no file takes the place of a folder
    try:
        finish(root)
        raise AssertionError
    except OSError:
        pass
    os.rmdir(root + "start.mpy")
    assert finish(root) and is_done(root)
