# Runs update_board, with the garbage collected as often as firmware/main.py has it.

import gc

gc.threshold(8192)

import update_board  # noqa: E402

update_board.run()
