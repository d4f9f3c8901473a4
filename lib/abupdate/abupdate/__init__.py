# A/B updates that cannot brick. Knows flash and images; nothing of CoAP or ThingsBoard.


class Refused(Exception):
    """The package is not installed; the text tells a person why."""
