# Runs on the unix port: decodes a file of datagrams, a line of hex each, and says what it found.

import sys
from binascii import hexlify, unhexlify

from coap.message import decode

with open(sys.argv[1]) as corpus:
    for line in corpus:
        try:
            print(hexlify(decode(unhexlify(line.strip())).encode()).decode())
        except ValueError:
            print("ValueError")
