# Runs on the unix port: one report by MQTT. Its argument is JSON: host, port, token, records, qos,
# listens (whether it subscribes to attributes and commands), trusted (a file; null: no TLS).

import ssl

import report
from mqtt_client import Client

_DEVICE = "v1/devices/me/"


def main(host, port, token, records, qos, listens, trusted):
    payload = report.payload(records)
    tls = None
    if trusted:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(cadata=report.trusted(trusted))
    client = Client(host, port, "board", token, tls)
    if listens:
        client.subscribe(_DEVICE + "attributes")
        client.subscribe(_DEVICE + "rpc/request/+")
    client.publish(_DEVICE + "telemetry", payload, qos)
    client.disconnect()


main(**report.arguments())
