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


def install(slot, package, after_chunk=lambda container: None):
    """Feed a host's file into a slot, saying so, and activate it; the keys are update.keys.

    after_chunk(container) is called with the Image after each chunk.
    """
    from abupdate import image  # on a Pico W a part of the application that was started

    with open("update.keys", "rb") as f:
        container = image.Image(f.read(), slot)
    fed = 0
    with open("/host" + package, "rb") as f:
        while container.offset != container.size:
            begin = container.offset // CHUNK * CHUNK
            f.seek(begin)
            data = f.read(CHUNK)
            fed += len(data)
            print("fed", fed)
            container.feed(begin, data)
            after_chunk(container)
    slot.finish()
    slot.activate()
