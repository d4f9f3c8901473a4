"""The virtual board: firmware under the unix port, on a flash image, under a supervisor."""

from tools.vboard.board import Board, BoardError
from tools.vboard.flash import BLOCK, BLOCKS, PAGE, Flash
from tools.vboard.life import End
