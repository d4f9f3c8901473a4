# What an editor and a type checker know of `thingsboard`. The sources in lib/thingsboard say what
# it means.

from .device import Device as Device
from .jobs import run as run
from .provisioning import provision as provision
from .updater import Updater as Updater
