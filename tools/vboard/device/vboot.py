# What a board does before the user's code: mounts the flash by the rules of the stock rp2
# `_boot.py`, then runs boot.py and main.py, then sits at the REPL.
#
# Arguments: CONTROL_FD IMAGE WEAR CUT_AT HALF COMMAND ..., where COMMAND is
#   boot CAUSE        power-on or reset: run as a board does
#   format            make an empty file system
#   execute FILE      run a host's file with the flash at / (and as `flash`), the host at /host

import os
import sys
from builtins import execfile

import nor
import vfs
import vmachine

_PROGSIZE = 256  # as rp2's _boot.py


def main(control_fd, image, wear, cut_at, half, command, argument=""):
    vmachine.connect(open(int(control_fd), "r+b"), argument == "power-on")
    sys.modules["machine"] = vmachine
    flash = nor.NOR(image, wear, vmachine.halt, int(cut_at), half == "1")
    sys.argv[:] = []
    sys.path[:] = ["", ".frozen", "/lib"]
    if command == "format":
        vfs.VfsLfs2.mkfs(flash, progsize=_PROGSIZE)
        return
    mount(flash)
    if command == "execute":
        vfs.mount(vfs.VfsPosix("/"), "/host", readonly=True)
        execfile("/host" + argument, {"__name__": "__main__", "flash": flash})
        return
    for name in ("/proc", "/sys"):  # the sensors of this board
        vfs.mount(vfs.VfsPosix(name), name, readonly=True)
    try:
        for name in ("boot.py", "main.py"):
            run(name)
    finally:
        vmachine.halt("repl")


def mount(flash):
    """Replace the host's file system by the one on the flash."""
    try:
        fs = vfs.VfsLfs2(flash, progsize=_PROGSIZE)
    except Exception as e:
        # Here the stock code formats the flash: everything on the board would be gone.
        vmachine.halt("fault: the file system does not mount: %r" % e)
    vfs.umount("/")
    vfs.mount(fs, "/")
    os.chdir("/")


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
