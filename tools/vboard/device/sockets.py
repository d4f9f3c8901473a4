# The module `socket` of a virtual board with a network: the real one, whose addresses are ports
# of the host. Boards have no sockaddr().

from socket import *  # noqa: F403

del sockaddr  # noqa: F821
