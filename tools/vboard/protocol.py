"""What passes between the host's side of a virtual board (`host/`) and the board's (`device/`).

The host imports it. In the board's side it puts the values in for the names when it compiles that
(`host/compiler.py`): there they take no memory.

Host to board, once, on the command line (`-m vboard`, then):

    CONTROL_FD NETWORK_FD CLOCK MEMORY PORT UNIT BUILD VFS_AT APPS IMAGE WEAR CUT_AT HALF PROMPT
    COMMAND [ARGUMENT]

CONTROL_FD is a socket, NETWORK_FD another one (0: the board has no network; else the board asks
there, and the host answers: host/network.py). CLOCK is a file of the host that says how many
milliseconds the board's clock is ahead, or NONE: it has the host's. MEMORY is a file with what
machine.RTC().memory() holds, after its length in two bytes, or NONE. PORT is one of RP2 and ESP32,
UNIT the bytes that flash is programmed in multiples of. BUILD is what sys.implementation._build
says, or INTERPRETERS: what it says there. An ESP32's file system begins at VFS_AT, and it has APPS
partitions for applications. IMAGE and WEAR are the files of the flash
chip, CUT_AT is the flash operation at which power fails (1 is the first, 0 never), HALF 1 if that
one is half done. PROMPT is 1 if a program that ends leads to the interpreter's prompt, 0 if to
REPL. COMMAND is one of the commands.

Board to host, on the socket: lines, each a word and perhaps an argument. After one of LAST_WORDS
the board runs no further instruction and waits for its end. After a question it waits for one
byte; nothing else is ever sent back.
"""

# Ports
RP2 = "rp2"
ESP32 = "esp32"

NONE = "-"
INTERPRETERS = "-"  # the board has the name of the interpreter

# Commands
BOOT = "boot"  # argument: POWER_ON, RESET or WATCHDOG; run as a board does
SOFT = "soft"  # argument: why the board started before this soft reset; run as a board does
RAW = "raw"  # the same in the raw REPL, where main.py does not run
FORMAT = "format"  # make an empty file system, and exit
EXECUTE = "execute"  # argument: a file of the host; run it with the flash at /, and exit

# Words that the board goes on after
FEED = "feed"  # the watchdog was fed
LED = "led"  # argument: 0 or 1
OWN = "own"  # argument: the bytes of the heap that are in use before the first program
PROMPT = "prompt"  # the program ended or crashed, and the interpreter's prompt follows

# Questions
SLEEP = "sleep"  # argument: milliseconds of a light sleep, or nothing: without end
SET_CLOCK = "set-clock"  # argument: by how many seconds the board's clock is set forward

# Also why a board starts
POWER_ON = "power-on"  # never sent
RESET = "reset"  # a last word: machine.reset() was called
WATCHDOG = "watchdog"  # argument: milliseconds; the watchdog is armed, and counts from now
DEEP_SLEEP = "deep-sleep"  # a last word; argument: milliseconds, or nothing: without end

# Other last words
REPL = "repl"  # the program ended or crashed; an armed watchdog still counts
FAULT = "fault"  # argument: how hardware was misused, or what does not start
CUT = "cut"  # the flash operation CUT_AT was reached: power fails

LAST_WORDS = (RESET, DEEP_SLEEP, REPL, FAULT, CUT)

# The flash chip, in bytes
BLOCK = 4096  # what is erased at once
PAGE = 256  # what is programmed at once, at the most

# machine.RTC().memory(), in bytes
MEMORY_MAX = 2048


def parse(text):
    """Return (word, argument) of a line; the argument is "" if there is none."""
    word, _, argument = text.partition(" ")
    return word, argument
