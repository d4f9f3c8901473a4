"""The firmware on a virtual board with Wi-Fi: by name, through outages, and stopped by a cable."""

import subprocess
import sys

import pytest

from tests.support.field import Field, told
from tools.tbsim import Simulator
from tools.vboard import Console, Network

NAME = "things.example"


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return Field(tmp_path_factory.mktemp("field"))


@pytest.fixture
def sim():
    with Simulator() as sim:
        yield sim
