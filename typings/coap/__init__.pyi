# What an editor and a type checker know of `coap`. The sources in lib/coap say what it means.

from .block import TransferError as TransferError
from .client import Client as Client
from .client import connect as connect
from .endpoint import ResetError as ResetError
from .endpoint import ResponseError as ResponseError
from .message import CON as CON
from .message import DELETE as DELETE
from .message import FETCH as FETCH
from .message import GET as GET
from .message import NON as NON
from .message import POST as POST
from .message import PUT as PUT
from .message import Message as Message
