# What a report says, the same for all clients: a reading every minute, with its time.

import json
import sys

from thingsboard import payload_json

READINGS = {"temperature": 21.5, "heap": 96}
START_MS = 1_790_000_000_000
STEP_MS = 60_000


def arguments():
    """Return what the command line says, a dict."""
    return json.loads(sys.argv[1])


def records(number):
    """Return (readings, Unix milliseconds) of each record."""
    return [(READINGS, START_MS + i * STEP_MS) for i in range(number)]


def payload(number):
    """Return all records in one payload, as the server takes it by CoAP and by MQTT."""
    encoded = [(payload_json.record(values), ts) for values, ts in records(number)]
    count, payload = payload_json.batch(encoded, 1 << 20)
    if count != number:
        raise ValueError("%d of %d records" % (count, number))
    return payload


def trusted(name):
    """Return the content of a certificate's file."""
    with open(name, "rb") as file:
        return file.read()
