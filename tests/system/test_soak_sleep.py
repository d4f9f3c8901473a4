"""The books of a board that sleeps are honest: what must not be is found out."""

from collections import Counter
from dataclasses import replace

import pytest

from tools.soak.ledger import NO_REASON, POWER_CUT, Commands, Records
from tools.soak.scene import ASLEEP, UPDATE
from tools.soak.week import Result

RECORDS = Records(measured=9, stored=8, again=1, twice=0, strange=0, lost=Counter({POWER_CUT: 1}))
COMMANDS = Commands(sent=2, run=2, answered=2, unheard=0, twice=[], false=[])
WELL = Result(
    seed=1,
    days=1,
    records=RECORDS,
    commands=COMMANDS,
    restarts=Counter({ASLEEP: 8, POWER_CUT: 1, UPDATE: 1}),
    faults=Counter(),
    updates=Counter(assigned=1, confirmed=1),
    erases=Counter(all=2, worst=1),
    wakes=8,
    reports=3,
    usual=Counter(),
    awake_s=3.0,
    slept_s=86400.0,
)


def test_a_good_day():
    assert WELL.faults_found() == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"records": replace(RECORDS, lost=Counter({NO_REASON: 2}))}, "2 records lost without"),
        ({"records": replace(RECORDS, twice=1)}, "1 records stored under two times"),
        ({"records": replace(RECORDS, strange=1)}, "1 records that nobody measured"),
        ({"records": replace(RECORDS, stored=0)}, "no record was stored"),
        ({"commands": replace(COMMANDS, unheard=1)}, "1 commands never arrived"),
        ({"commands": replace(COMMANDS, false=[1])}, "answered wrongly: [1]"),
        ({"updates": Counter(assigned=2, confirmed=1)}, "update was not confirmed"),
        ({"restarts": Counter({"watchdog": 1})}, "restart: watchdog"),
    ],
)
def test_what_must_not_be(changed, found):
    told = replace(WELL, **changed).faults_found()
    assert len(told) == 1 and found in told[0]
