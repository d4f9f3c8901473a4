"""The address translator of a carrier between device and server: it may forget what it knows."""


class NAT:
    """Gives each device another address, and drops what comes for one that it has forgotten.

    While `on` is false all addresses pass as they are.
    """

    def __init__(self):
        self.on = False
        self._outer: dict[tuple, tuple] = {}  # by the device's own address
        self._inner: dict[tuple, tuple] = {}  # the other way round
        self._next_port = 1

    def rebind(self) -> None:
        """Forget all bindings: a device gets another address with its next datagram, and hears
        nothing before.
        """
        self.on = True
        self._outer.clear()
        self._inner.clear()

    def outward(self, address: tuple) -> tuple:
        """Return the address that the server sees for a device's own."""
        if not self.on:
            return address
        if address not in self._outer:
            outer = (address[0], self._next_port)
            self._next_port += 1
            self._outer[address] = outer
            self._inner[outer] = address
        return self._outer[address]

    def inward(self, address: tuple) -> tuple | None:
        """Return where a datagram of the server goes; None: nobody has that address any more."""
        return self._inner.get(address) if self.on else address
