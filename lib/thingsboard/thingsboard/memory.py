# How much memory is left, so that what may wait or be refused stops before there is none.

import gc


def is_short(reserve):
    """Return whether fewer bytes than the reserve are free, garbage counted as free."""
    if not hasattr(gc, "mem_free"):  # not MicroPython
        return False
    if gc.mem_free() < reserve:
        gc.collect()
    return gc.mem_free() < reserve
