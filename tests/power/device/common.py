# What updates of an application and of firmware have in common here.

from binascii import hexlify

CHUNK = 1024


def log_flash(chip):
    program, erase = chip._program, chip.erase

    def logged_program(address, data):
        print("program", address, hexlify(bytes(data)).decode())
        program(address, data)

    def logged_erase(block):
        print("erase", block)
        erase(block)

    chip._program, chip.erase = logged_program, logged_erase


def chunks(container, package):
    """Feed an Image from a host's file and say so; yields after each chunk."""
    fed = 0
    with open("/host" + package, "rb") as f:
        while container.offset != container.size:
            begin = container.offset // CHUNK * CHUNK
            f.seek(begin)
            data = f.read(CHUNK)
            fed += len(data)
            print("fed", fed)
            container.feed(begin, data)
            yield
