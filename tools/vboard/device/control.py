# The board's end of the line to the supervisor (host/board.py); protocol.py has the words.

_stream = None


def connect(stream):
    """Called by the start code: where the supervisor listens."""
    global _stream
    _stream = stream


def tell(word, argument=""):
    """Tell the supervisor and go on."""
    line = word if argument == "" else "%s %s" % (word, argument)
    _stream.write(line + "\n")


def halt(word, argument=""):
    """Tell the supervisor a last word and run no further instruction."""
    tell(word, argument)
    while True:
        _stream.read(1)
