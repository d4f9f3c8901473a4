# Runs on the unix port: one report by CoAP. Its argument is JSON: host, port, token, records,
# listens (whether it registers for attributes and commands), trusted (a file; null: no DTLS).

import asyncio

import coap
import report
import thingsboard
from thingsboard.visit import visit

_LAST_MS = 50  # until our last acknowledgement is out


async def main(host, port, token, records, listens, trusted):
    security = None
    if trusted:
        from coap.dtls import Security

        security = Security(report.trusted(trusted))
    client = await coap.connect(host, port, security=security)
    device = thingsboard.Device(client, token)
    for values, ts in report.records(records):
        device.record(values, ts)
    if listens:
        if not await visit(device, listen_ms=0):
            raise OSError("the visit did not come to its end")
    else:
        while payload := device.outbox.batch():
            await client.post(device.path + ("telemetry",), payload)
            device.outbox.accepted()
    await asyncio.sleep_ms(_LAST_MS)


asyncio.run(main(**report.arguments()))
