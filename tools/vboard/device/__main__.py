# What a board does before the user's code: mounts the flash by the rules of the stock `_boot.py`,
# then runs boot.py and main.py, then sits at the REPL. protocol.py has the arguments and commands.

import gc
import os
import sys
from builtins import execfile

import vboard.protocol as protocol
import vfs
from micropython import const
from vboard import control, machine, nor

_HOST_FOLDERS = const(("/proc", "/sys"))  # the sensors of this board


def main():
    control_fd, network_fd, clock_file, memory, port_name, unit, *more = sys.argv[1:]
    build, vfs_at, apps, image, wear, cut_at, half, prompt, command, argument = more
    control.connect(open(int(control_fd), "r+b"))
    port = getattr(__import__("vboard." + port_name), port_name)
    soft = command in (protocol.SOFT, protocol.RAW)
    booting = soft or command == protocol.BOOT
    machine.begin(port, argument if booting else protocol.POWER_ON, soft)
    if memory != protocol.NONE:
        machine._memory = open(memory, "r+b")
    sys.modules["machine"] = machine
    sys.modules[port_name] = port
    if clock_file != protocol.NONE:
        from vboard import clock

        clock.begin(port, open(clock_file))
        sys.modules["time"] = clock
    if int(network_fd):
        from vboard import network, sockets

        network.begin(open(int(network_fd), "r+b"))
        sys.modules["network"] = network
        sys.modules["socket"] = sockets
    if build != protocol.INTERPRETERS:
        from vboard import name

        name.begin(build)
    from vboard import tls

    tls.begin(port)
    sys.modules["tls"] = tls
    sys.argv[:] = []
    sys.path[:] = ["", ".frozen", "/lib"]
    chip = nor.NOR(image, wear, control.halt, int(unit), int(cut_at), int(half))
    port.start(chip, control.halt, int(vfs_at), int(apps))
    if command == protocol.FORMAT:
        port.make_file_system()
        return
    mount(port)
    if command != protocol.EXECUTE:
        for name in _HOST_FOLDERS:
            vfs.mount(vfs.VfsPosix(name), name, readonly=True)
    gc.collect()  # a program finds nothing that only the start needed
    control.tell(protocol.OWN, gc.mem_alloc())
    if command == protocol.EXECUTE:
        vfs.mount(vfs.VfsPosix("/"), "/host", readonly=True)
        execfile("/host" + argument, {"__name__": "__main__", "chip": chip})
    else:
        boot(("boot.py",) if command == protocol.RAW else ("boot.py", "main.py"))
        if not int(prompt):
            control.halt(protocol.REPL)
        control.tell(protocol.PROMPT)


def mount(port):
    """Mount the flash at /, in the place of the host's files."""
    try:
        file_system = port.file_system()
    except Exception as e:
        # Here the stock code formats the flash: everything on the board would be gone.
        control.halt(protocol.FAULT, "the file system does not mount: %r" % e)
    vfs.umount("/")
    vfs.mount(file_system, "/")
    os.chdir("/")


def boot(names):
    """Run what is on the board: no main.py after a boot.py that failed or was interrupted."""
    for name in names:
        if not run(name):
            break


def run(name):
    """Run a file of the root folder if there is one; tell of an exception as a board does.

    Return whether there was none.
    """
    try:
        os.stat(name)
    except OSError:
        return True
    try:
        execfile(name, {"__name__": "__main__", "__file__": name})
    except BaseException as e:
        sys.print_exception(e)
        return False
    return True


main()
