# Runs bench_board, with the garbage collected as often as firmware/main.py has it.

import gc

gc.threshold(8192)

import bench_board  # noqa: E402

bench_board.run()
