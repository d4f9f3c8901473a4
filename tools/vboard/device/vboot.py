# What a board does before the user's code: mounts the flash by the rules of the stock `_boot.py`,
# then runs boot.py and main.py, then sits at the REPL.
#
# Arguments: CONTROL_FD PORT IMAGE WEAR CUT_AT HALF COMMAND ..., where PORT is rp2 or esp32 and
# COMMAND is
#   boot CAUSE        power-on, reset or watchdog: run as a board does
#   format            make an empty file system
#   execute FILE      run a host's file with the flash at / (and as `chip`), the host at /host

import os
import sys
from builtins import execfile

import nor
import vfs
import vmachine


def main(control_fd, port, image, wear, cut_at, half, command, argument=""):
    vmachine.connect(open(int(control_fd), "r+b"), port, argument)
    hardware = __import__("v" + port)
    sys.modules["machine"] = vmachine
    sys.modules[port] = hardware
    halt = vmachine.halt
    chip = nor.NOR(image, wear, halt, hardware.UNIT, int(cut_at), half == "1")
    sys.argv[:] = []
    sys.path[:] = ["", ".frozen", "/lib"]
    hardware.start(chip, halt)
    if command == "format":
        hardware.format()
        return
    try:
        fs = hardware.file_system()
    except Exception as e:
        # Here the stock code formats the flash: everything on the board would be gone.
        halt("fault: the file system does not mount: %r" % e)
    vfs.umount("/")
    vfs.mount(fs, "/")
    os.chdir("/")
    if command == "execute":
        vfs.mount(vfs.VfsPosix("/"), "/host", readonly=True)
        execfile("/host" + argument, {"__name__": "__main__", "chip": chip})
        return
    for name in ("/proc", "/sys"):  # the sensors of this board
        vfs.mount(vfs.VfsPosix(name), name, readonly=True)
    try:
        for name in ("boot.py", "main.py"):
            run(name)
    finally:
        halt("repl")


def run(name):
    """Run a file of the root folder if there is one; tell of an exception as a board does."""
    try:
        os.stat(name)
    except OSError:
        return
    try:
        execfile(name, {"__name__": "__main__", "__file__": name})
    except BaseException as e:
        sys.print_exception(e)


main(*sys.argv[1:])
