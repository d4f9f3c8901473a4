"""An ESP32 with two app partitions, in RAM: esp32.Partition and the boot loader's rules.

States of a partition as in the IDF's otadata (bootloader_utility.c): set_boot makes it NEW; its
first boot PENDING; a boot while PENDING makes it ABORTED and starts the other. This keeps a state
for each label, and takes any content that begins as an image; the virtual board (tools/vboard) has
otadata on flash and checks whole images.
"""

BLOCK = 4096
VALID, NEW, PENDING, ABORTED = "VALID", "NEW", "PENDING", "ABORTED"


class Chip:
    """labels are those of the app partitions; one is a board without updates."""

    def __init__(self, size=8 * BLOCK, labels=("ota_0", "ota_1")):
        self.flash = {label: bytearray(size) for label in labels}
        self.states = {}  # nothing is known of firmware that was flashed by cable
        self.chosen = self.running = labels[0]
        self.labels = labels
        self.writes = 0

    def boot(self):
        """Reset, and return the class that firmware knows as esp32.Partition."""
        if self.states.get(self.chosen) == PENDING:
            self.states[self.chosen] = ABORTED
            self.chosen = self.other(self.chosen)
        elif self.states.get(self.chosen) == NEW:
            self.states[self.chosen] = PENDING
        self.running = self.chosen
        return self.partition()

    def other(self, label):
        return [name for name in self.labels if name != label][0]

    def partition(chip):
        class Partition:
            RUNNING = 1

            def __init__(self, label):
                self.label = chip.running if label == self.RUNNING else label

            def info(self):
                return (0, 16, 0x10000, len(chip.flash[self.label]), self.label, False)

            def get_next_update(self):
                if len(chip.labels) < 2:
                    raise OSError(2)  # ENOENT
                return Partition(chip.other(chip.running))

            def readblocks(self, block, buf, offset=0):
                start = block * BLOCK + offset
                chip.bounds(self.label, start, len(buf))
                buf[:] = chip.flash[self.label][start : start + len(buf)]

            def writeblocks(self, block, buf):
                start = block * BLOCK
                chip.bounds(self.label, start, len(buf))
                if len(buf) % BLOCK or self.label == chip.running:
                    raise OSError(-260)  # ESP_ERR_INVALID_SIZE, and what would be suicide
                chip.flash[self.label][start : start + len(buf)] = buf
                chip.writes += 1

            def set_boot(self):
                if chip.flash[self.label][0] != 0xE9:
                    raise OSError(-5379)  # ESP_ERR_OTA_VALIDATE_FAILED
                chip.chosen = self.label
                chip.states[self.label] = NEW

            @staticmethod
            def mark_app_valid_cancel_rollback():
                if chip.running not in chip.states:
                    raise OSError(-1)  # ESP_FAIL
                chip.states[chip.running] = VALID

        return Partition

    def bounds(self, label, start, length):
        if start < 0 or start + length > len(self.flash[label]):
            raise OSError(-258)  # ESP_ERR_INVALID_ARG
