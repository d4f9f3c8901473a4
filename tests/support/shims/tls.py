"""What device code takes from MicroPython's `tls` module, for CPython: enough to be imported."""

CERT_REQUIRED = 2
PROTOCOL_DTLS_CLIENT = 2


class SSLContext:
    pass
