"""Random numbers from a seed, the same on each interpreter."""


class Chance:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % n

    def bytes(self, size):
        return bytes([self.below(256) for _ in range(size)])

    def one_of(self, values):
        return values[self.below(len(values))]
