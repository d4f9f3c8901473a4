# What runs inside the interpreter, as its package `vboard`: so no module of a program on the board
# has the name of one of ours. Start reading at __main__.py.
#
# All this stays in the heap of the program under test, whose names (qstrs) no collection frees
# either. So the host puts the values of protocol.py in when it compiles (host/compiler.py),
# constants are `const` with an underscore, and what one function needs is local to it.
#
# Each port is a module, which programs import by the name of the port. The start code imports the
# one that the board has, and uses of it:
#
#   CAUSES                why the board starts, by the protocol: what machine.reset_cause() returns
#   DEEPSLEEP_RESET       that after deep sleep, where that is more than light sleep
#   SOFT_RESET            that after a soft reset, if the port tells
#   LONGEST_WATCHDOG_MS   machine.WDT refuses more
#   EPOCH_YEAR            that `time` counts from, where the board has a clock of its own
#   TICKS_STAND           whether they do in light sleep
#   TLS_IN_HEAP           whether an association lies in the heap of the interpreter
#   start(chip, halt, vfs_at, apps)
#                         before the file system is mounted: what the boot loader does. chip is the
#                         NOR; halt(word, detail) tells the supervisor and never returns; the
#                         others are as in protocol.py
#   make_file_system()    make an empty one
#   file_system()         return the one to mount at /; an OSError where `_boot.py` would format
#
# What the host knows of a port is in host/ports.py.
