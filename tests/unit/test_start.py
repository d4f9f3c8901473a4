# One start of the board: who feeds the watchdog, who restarts it, and what is kept.

import sys

from fakes import raised
from hardware import Machine, Module, Reset, Timer, read
from rows import rows
from starts import Boot, Scene, Trial, package

POWER_ON, SOFT = Machine.PWRON_RESET, Machine.SOFT_RESET


def test_the_watchdog_is_fed_while_the_loop_turns():
    with Scene() as scene:
        task = scene.watch(scene.board.machine)
        scene.seconds(60)
        assert 60 <= scene.board.machine.fed <= 61
        scene.world.loop.cancel(task)
        fed = scene.board.machine.fed
        scene.seconds(60)
        assert scene.board.machine.fed == fed


def test_a_silent_server_costs_the_wifi_a_cycle_and_then_the_board_a_restart():
    with Scene(offline=60, lonely=1) as scene:
        scene.watch()
        scene.seconds(239)
        assert scene.cycles == [120_000] and scene.application.events == []
        scene.seconds(1)
        assert scene.restarted_s == 240 and scene.board.machine.resets == 1
        assert scene.application.events == ["suspend"]
        assert scene.notes() == ("the server was silent", 2)


def test_after_a_contact_the_next_restart_is_the_first_of_its_row():
    with Scene(offline=30, lonely=1) as scene:
        scene.watch()
        scene.seconds(10, talking=True)
        scene.seconds(130)
        assert scene.notes() == ("the server was silent", 1)


def test_a_server_that_is_heard_leaves_the_board_alone():
    with Scene(offline=30) as scene:
        scene.watch()
        scene.seconds(300, talking=True)
        assert scene.cycles == [] and scene.board.machine.resets == 0


def test_a_host_without_wifi_is_restarted_too():
    with Scene(offline=30) as scene:
        scene.watch()
        scene.start.station = None
        scene.seconds(60)
        assert scene.board.machine.resets == 1


@rows(ValueError(), MemoryError(), AttributeError("contacts"))
def test_an_application_that_cannot_tell_has_no_contact(error):
    with Scene(offline=30) as scene:
        scene.application.fails["contacts"] = error
        scene.watch()
        scene.seconds(60)
        assert scene.cycles == [30_000] and scene.restarted_s == 60


@rows(OSError(28), MemoryError(), AttributeError("suspend"))
def test_what_cannot_be_saved_keeps_no_board_from_its_restart(error):
    with Scene(offline=30) as scene:
        scene.application.fails["suspend"] = error
        scene.watch()
        scene.seconds(60)
        assert scene.board.machine.resets == 1


def test_on_a_full_flash_it_restarts_all_the_same():
    with Scene(offline=30) as scene:
        scene.board.full = True
        scene.watch()
        scene.seconds(60)
        assert scene.board.machine.resets == 1


def test_while_the_application_is_being_loaded_nothing_is_held_against_it():
    with Scene(offline=30, trial=30) as scene:
        scene.trial.is_unconfirmed = True
        scene.watch()
        scene.start.application = None
        scene.seconds(100)
        assert scene.cycles == [] and scene.board.machine.resets == 0


@rows((None,), (OSError(28),))
def test_an_update_that_does_not_reach_the_server_gives_way(error):
    with Scene(trial=100) as scene:
        scene.trial.is_unconfirmed = True
        scene.trial.fails = error
        scene.watch()
        scene.seconds(99)
        assert scene.trial.told == [] and scene.board.machine.resets == 0
        scene.seconds(1)
        assert scene.trial.told == ["unreached"] and scene.board.machine.resets == 1
        assert scene.application.events == ["suspend"]
        assert scene.notes() == ("an update did not reach the server", 0)


@rows(confirmed=(100, False), for_ever=(0, True))
def test_what_is_confirmed_or_has_time_stays(trial, unconfirmed):
    with Scene(trial=trial) as scene:
        scene.trial.is_unconfirmed = unconfirmed
        scene.watch()
        scene.seconds(350)
        assert scene.trial.told == [] and scene.board.machine.resets == 0


def test_who_lives_for_ten_minutes_is_in_no_row_of_crashes():
    with Scene() as scene:
        scene.restarts.note("OSError", 3)
        scene.watch()
        scene.seconds(599)
        assert read("restarts.json")
        scene.seconds(1)
        assert read("restarts.json") is None


def ended(scene, error):
    """Let the application end by this; return the line."""
    if error:
        scene.application.fails["run"] = error
    return scene.start.until_it_ends()


@rows(
    (OSError(5), "OSError: "),
    (ValueError("what"), "ValueError: what"),
    (TypeError("t"), "TypeError: t"),
    (SystemExit(3), "SystemExit: 3"),
    (None, "the application ended"),
)
def test_whatever_ends_the_application_is_a_line(error, text):
    with Scene() as scene:
        line = ended(scene, error)
        assert text in line and "\n" not in line
        assert ('starts.py", line ' in line) == (error is not None)


def test_where_even_words_are_too_much():
    with Scene() as scene:

        def text_of(error):
            raise MemoryError

        scene.module.text_of = text_of
        assert ended(scene, MemoryError()) == "MemoryError"


def test_ctrl_c_is_a_persons():
    with Scene() as scene:
        scene.application.fails["run"] = KeyboardInterrupt()
        assert raised(KeyboardInterrupt, scene.start.until_it_ends)


def test_an_application_that_cannot_be_loaded_is_under_the_watchdog():
    with Scene() as scene:
        sys.modules["app"] = Module()
        assert "AttributeError: " in scene.start.until_it_ends()
        assert scene.board.machine.timeout_ms == 8000 and scene.start.armed


@rows(off=(0, Machine()), too_long=(8, Machine(1000)), none=(8, Module(reset=None)))
def test_without_a_watchdog_it_works_all_the_same(seconds, machine):
    with Scene(watchdog=seconds) as scene:
        scene.module.machine = machine
        assert ended(scene, None) == "the application ended"
        assert scene.application.events == ["begin", "run"] and not scene.start.armed


def crash(scene, armed=True, uptime_s=0):
    scene.start.armed = armed
    scene.start.uptime_s = uptime_s
    return raised(Reset, scene.start.crashed, "OSError: 5")


def test_a_crash_is_noted_told_and_waits_where_a_person_can_step_in():
    with Scene() as scene:
        scene.restarts.crashes = 2
        assert crash(scene, uptime_s=77)
        assert scene.lines == ["OSError: 5", "restart in 10 s; Ctrl-C leads to the prompt"]
        assert scene.slept == [10] and len(Timer.running) == 1
        assert scene.trial.told == ["OSError: 5"]
        assert scene.notes() == ("after 77 s: OSError: 5", 0)


def test_the_first_crash_costs_half_a_second():
    with Scene() as scene:
        assert crash(scene, armed=False)
        assert scene.lines == ["OSError: 5"] and scene.slept == [0.5] and Timer.running == []


def test_a_crash_after_ten_minutes_is_the_first_of_its_row():
    with Scene() as scene:
        scene.restarts.crashes = 4
        assert crash(scene, uptime_s=600)
        assert scene.slept == [0.5]


@rows(OSError(28), MemoryError())
def test_a_crash_that_cannot_be_noted_ends_in_a_restart(error):
    with Scene() as scene:
        scene.trial.fails = error
        scene.board.full = True
        assert crash(scene) and scene.board.machine.resets == 1


def test_a_person_who_stops_it_has_an_hour():
    with Scene() as scene:
        scene.start.armed = True
        scene.start.stopped()
        assert scene.trial.told == ["interrupted"] and len(Timer.running) == 1
        assert read("hold") == b"stopped"
        assert "copy files at leisure" in scene.lines[0]


def test_without_a_watchdog_a_stop_needs_no_hold():
    with Scene() as scene:
        scene.start.stopped()
        assert read("hold") is None and Timer.running == []


SETTINGS = {"settings.json": '{"server": "h", "access_token": "SECRET"}'}


def test_a_start():
    boot = Boot(SETTINGS, OSError(5))
    assert boot.ran and boot.reset and boot.path == "/nowhere"
    assert "OSError" in boot.lines[0] and boot.slept == [0.5]
    assert not boot.settings_stay  # their memory is free
    assert boot.trial.told[0] == ("start", False, True)


@rows(
    power=(POWER_ON, 0, (False, True)),
    power_after_crashes=(POWER_ON, 2, (False, True)),
    soft=(SOFT, 0, (False, False)),
    watchdog=(Machine.WDT_RESET, 0, (True, False)),
    crash=(SOFT, 1, (True, False)),
)
def test_damage_is_looked_for_after_the_watchdog_and_crashes(cause, crashes, told):
    boot = Boot(SETTINGS, OSError(5), cause, crashes)
    assert boot.trial.told[0] == ("start",) + told


@rows(missing=None, wrong="{", unknown='{"sever": 1}', deep="[" * 2000)
def test_wrong_settings_are_one_line_and_the_prompt(content):
    boot = Boot({} if content is None else {"settings.json": content})
    (line,) = boot.lines
    assert line.startswith("settings.json: ")
    assert not boot.reset and not boot.ran and not boot.settings_stay


def test_what_was_passed_over_is_told():
    files = {"credentials.json": '{"access_tok'}
    files.update(SETTINGS)
    boot = Boot(files, OSError(5))
    assert boot.ran and boot.lines[0].endswith("; passed over")


OLD = package("1.0", 10)
NEW = package("1.1", 11)


@rows(
    hung=(NEW, {"run": OLD, "failed": 11, "reason": "it hung"}, "thermo 1.0: it hung"),
    factory=(NEW, {"run": package(""), "failed": 11, "reason": "x"}, "the factory copy: x"),
    damaged=(
        NEW,
        {"run": OLD, "failed": 10, "reason": "of old"},
        "thermo 1.0: its files are damaged, or the flash is full",
    ),
)
def test_what_was_left_for_what_and_why_is_a_line(run, becomes, words):
    trial = Trial()
    trial.state["app"]["run"] = run
    trial.becomes = becomes
    boot = Boot(SETTINGS, OSError(5), trial=trial)
    assert boot.ran and boot.lines[0] == "update: thermo 1.1 is given up for " + words


def test_a_turn_of_the_release_before_is_a_line():
    trial = Trial()
    trial.state["app"].update(run=OLD, back=NEW, aside=True)
    boot = Boot(SETTINGS, OSError(5), trial=trial)
    words = "update: thermo 1.1 has not reached the server; thermo 1.0 has a turn"
    assert boot.lines[0] == words


def test_a_start_of_what_ran_before_says_nothing_of_updates():
    trial = Trial()
    trial.state["app"].update(run=NEW, back=OLD)
    boot = Boot(SETTINGS, OSError(5), trial=trial)
    assert not [line for line in boot.lines if line.startswith("update:")]


def test_a_hold_file_is_an_hour_at_the_prompt_once():
    files = {"hold": "work"}
    files.update(SETTINGS)
    boot = Boot(files, OSError(5))
    assert boot.slept == [3600] and boot.reset and not boot.ran and boot.hold is None


def test_after_a_stop_the_next_start_is_like_any_other():
    files = {"hold": "stopped"}
    files.update(SETTINGS)
    boot = Boot(files, OSError(5))
    assert boot.ran and boot.hold is None


def test_ctrl_c_leads_to_the_prompt():
    boot = Boot(SETTINGS, KeyboardInterrupt())
    assert not boot.reset and boot.hold == b"stopped"
    assert boot.trial.told[1:] == ["interrupted"]
