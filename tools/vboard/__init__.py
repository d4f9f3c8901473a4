"""The virtual board: firmware under the unix port, on a flash image, under a supervisor."""

from tools.vboard.host.appimage import app_image
from tools.vboard.host.board import Board, BoardError
from tools.vboard.host.clock import UNSET, World
from tools.vboard.host.console import Console
from tools.vboard.host.flash import Flash
from tools.vboard.host.life import End
from tools.vboard.host.network import Network
from tools.vboard.host.ports import APP_AT
from tools.vboard.protocol import BLOCK, PAGE
