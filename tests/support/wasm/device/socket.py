# What modules take from here when they are loaded. The WebAssembly port has no sockets, and a test
# that opens one fails.

AF_INET = 2
SOCK_DGRAM = 2


def getaddrinfo(*_):
    raise OSError("no sockets")
