# CoAP for MicroPython: a client of one server over UDP (RFC 7252, 7641, 7959).

from .block import TransferError
from .client import Client, connect
from .endpoint import ResetError, ResponseError
from .message import CON, DELETE, FETCH, GET, NON, POST, PUT, Message
from .pace import Fit
