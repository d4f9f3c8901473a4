"""tbsim: a ThingsBoard that answers CoAP devices on loopback as the real one does."""

from .model import Profile
from .ota import Package
from .server import Timing
from .simulator import RPCError, Simulator
from .switches import Switches

__all__ = ["Package", "Profile", "RPCError", "Simulator", "Switches", "Timing"]
