"""What a report costs a device that sleeps, beside the same report by MQTT.

`python -m tools.measure.bench low_power` runs it: in a network of its own, so that every packet is
seen, and takes as long as on the path that is wanted.
"""
