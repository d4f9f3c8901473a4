"""The simulator over HTTP: what ThingsBoard serves to people and to programs, on loopback."""

from . import page, rest
from .server import WebServer

__all__ = ["WebServer", "page", "rest"]
