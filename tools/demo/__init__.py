"""`make demo`: the firmware on a virtual board against the local ThingsBoard, step by step."""
