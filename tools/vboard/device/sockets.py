# The module `socket` of a virtual board with a network: the real one, whose addresses are ports
# of the host. Its sockets take addresses as the unix port does, so it has sockaddr(), as boards
# have not.

from socket import *  # noqa: F403

from vboard.network import getaddrinfo  # noqa: F401
