"""For the tests of updates: a signing key, packages, a manifest's parts, an empty file system."""

import hashlib
import json
import os
import sys
from binascii import b2a_base64

MAGIC = b"ABU1"
MANIFEST = 394

# A key of 3072 bits whose many primes make signing fast on MicroPython; for tests only.
PRIMES = (
    0xF801E042E92E4E50ED394D35968997035B33660FC8C4C1C41A5325E74E1FDB11,
    0xF85A928A2013B782CFBCE20D5F879CF3AD64678B85AA37F052D970EBD298E3AF,
    0xF880318C59B5E9E16A9C6E1F45D0DDEAAFC4A3002DF60891B29B9390290924EB,
    0xF88DF33CE2A182BF0F90DACB0C445F7F6896D1C73A7145860F5348374C5495E3,
    0xF903C8050EEA88C26E5673CEB097BE527E442C249BA1C45821251459EF241CD3,
    0xF90799450FCF6E3B1BD44E1C2C323391089AAAA2C839BB0B93FFC76DBDC28F75,
    0xFA4B54F95DE3AFA057FE3C6973B41A5B756140854D98C829890DD4D1CF0A48E5,
    0xFAB3049D9EF4DDB3D304721BDF8662F011878AC2DAFF3FB82B897D9C6A390A29,
    0xFB5CF611C543BAA9959412DA1838756ACE9DB5229D4951F270D501184143C2DF,
    0xFBD73F4353D47EEA58072BD3E016FD3AF7D818401E7F95758A1041EC664BE313,
    0xFE2422BA40FE9D54DBDEF62A00DF3C25FBA84019CF98203CFA0BF39D102E019D,
    0xFE283FBF911A4D65A43714948AA8139DF2D4C7F7A4998DC7F163D37F4E27F4E5,
)

# DigestInfo of SHA-256: RFC 8017 section 9.2, note 1.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def modulus():
    n = 1
    for p in PRIMES:
        n *= p
    return n


KEY = modulus().to_bytes(384, "big")


def inverse(a, m):
    g, x, y, v = m, a % m, 0, 1
    while x:
        q = g // x
        g, x, y, v = x, g - q * x, v, y - q * v
    return y % m


def sign(signed):
    """Return the signature of bytes, by the Chinese remainder theorem."""
    block = b"\x00\x01" + b"\xff" * 330 + b"\x00" + DIGEST_INFO + hashlib.sha256(signed).digest()
    return raw_sign(block)


def raw_sign(block):
    m = int.from_bytes(block, "big")
    s, n = 0, 1
    for p in PRIMES:
        r = pow(m % p, inverse(65537, p - 1), p)
        s += n * ((r - s) * inverse(n, p) % p)
        n *= p
    return s.to_bytes(384, "big")


def key_id(key=KEY):
    return hashlib.sha256(key).digest()[:4]


def header(manifest, key=KEY):
    """Return the signed header of a manifest, which is a dict or any bytes."""
    if isinstance(manifest, dict):
        manifest = text(manifest)
    start = MAGIC + (MANIFEST + len(manifest)).to_bytes(2, "big") + key_id(key)
    return start + sign(start + manifest) + manifest


def text(manifest):
    """Return the bytes of a manifest: its fields as JSON, then a line for each of its files."""
    fields = {name: manifest[name] for name in manifest if name != "files"}
    lines = [json.dumps(fields)]
    lines += [" ".join([str(part) for part in file]) for file in manifest["files"]]
    return "".join([line + "\n" for line in lines]).encode()


def digest(content):
    return b2a_base64(hashlib.sha256(content).digest())[:-1].decode()


def manifest(files, **changes):
    """Return the manifest of {name: content} as a dict."""
    m = {"title": "thermo", "version": "1.1", "kind": "app", "boards": ["VBOARD"], "sequence": 2}
    m["files"] = [[name, len(content), digest(content)] for name, content in files]
    m.update(changes)
    return m


def package(files, **changes):
    """Return a whole container of [(name, content), ...]."""
    return header(manifest(files, **changes)) + b"".join(content for _, content in files)


class Disk:
    """A block device in RAM, for LittleFS on MicroPython."""

    SIZE = 4096

    def __init__(self, blocks):
        # Block by block: a heap with other things in it has no room for all in one place.
        self.blocks = [bytearray(self.SIZE) for _ in range(blocks)]

    def readblocks(self, block, buf, offset=0):
        buf[:] = memoryview(self.blocks[block])[offset : offset + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        memoryview(self.blocks[block])[offset : offset + len(buf)] = buf

    def ioctl(self, operation, argument):
        if operation in (4, 5):
            return len(self.blocks) if operation == 4 else self.SIZE
        return 0


_disk = None
_folders = []  # roots where there is no LittleFS


def empty_root():
    """Return the path of an empty file system, ending in a slash: LittleFS on MicroPython."""
    global _disk
    if sys.implementation.name == "cpython":
        import tempfile

        return tempfile.mkdtemp() + "/"
    import vfs

    if not hasattr(vfs, "VfsLfs2"):  # under node, where files are in memory
        _folders.append("/root%d/" % len(_folders))
        os.mkdir(_folders[-1][:-1])
        return _folders[-1]
    if _disk:
        vfs.umount("/board")
    else:
        _disk = Disk(80)
    vfs.VfsLfs2.mkfs(_disk, progsize=256)
    vfs.mount(vfs.VfsLfs2(_disk, progsize=256), "/board")
    return "/board/"


def refusal(function, *args):
    """Return the text of the Refused that a call raises, None if it raises none."""
    from abupdate import Refused

    try:
        function(*args)
    except Refused as e:
        return str(e)


def ends_trial(slot):
    """Confirm what runs; return whether that ended a trial."""
    on_trial = slot.on_trial()
    slot.confirm()
    assert not slot.on_trial()
    return bool(on_trial)


def names(root, folder):
    """Return the sorted paths of all files below a folder."""
    found = []
    for name in os.listdir(root + folder):
        name = folder + "/" + name
        if os.stat(root + name)[0] & 0x4000:
            found += names(root, name)
        else:
            found.append(name)
    return sorted(found)


def write(root, name, content):
    with open(root + name, "wb") as f:
        f.write(content)


def read(root, name):
    with open(root + name, "rb") as f:
        return f.read()
