"""tbsim: a ThingsBoard that answers CoAP devices on loopback as the real one does."""

from .events import Event
from .model.devices import Profile
from .model.packages import Package
from .simulator import RPCError, Simulator
from .switches import Switches, Timing

__all__ = ["Event", "Package", "Profile", "RPCError", "Simulator", "Switches", "Timing"]
