"""The simulator against every datagram that was recorded at a whole ThingsBoard."""

import pytest

from .scene import Scene
from .transcripts import labels, scenes

MOST_EXCEPTIONS = 15
ORDER = "a block of a body whose keys are in the order of the server's database"
TWICE = "a device with eDRX gets commands again at each ACK, also those that it has"
# label: why the simulator says something else
EXCEPTIONS = {
    "o large block 2 again": ORDER,
    "o large first answer": ORDER,
    "o large first answer, block 2": ORDER,
    "o block2 0/256 in the registration": ORDER,
    "x E_DRX two-way while awake, not answered": TWICE,
    "x E_DRX two-way while asleep": TWICE,
    "x X509 chain by the provisioning API": "the server trips over it, and answers after 12 s",
}


@pytest.fixture(scope="module")
def differences():
    """Return what was not as recorded, by label."""
    scene = Scene()
    try:
        for rows in scenes():
            scene.play(rows)
    finally:
        scene.close()
    return scene.player.differences


def test_the_record_is_whole():
    assert len(labels()) == 494
    assert sum(map(len, labels().values())) == sum(map(len, scenes())) == 1351


def test_each_label_is_answered_as_recorded(differences):
    found = {label: words for label, words in differences.items() if label not in EXCEPTIONS}
    assert not found, "\n".join(f"{label}: {line}" for label in found for line in found[label])


def test_exceptions_are_few_and_none_is_stale(differences):
    assert len(EXCEPTIONS) <= MOST_EXCEPTIONS
    assert set(EXCEPTIONS) <= set(differences)
