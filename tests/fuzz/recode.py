# Runs on the unix port: reads messages by a schema, a line of hex each, and writes them again.
# Arguments: a file with the schema, a file of messages.

import sys
from binascii import hexlify, unhexlify

from thingsboard.protobuf import decode, encode

with open(sys.argv[1]) as file:
    schema = eval(file.read())
with open(sys.argv[2]) as corpus:
    for line in corpus:
        print(hexlify(encode(schema, decode(schema, unhexlify(line.strip())))).decode())
