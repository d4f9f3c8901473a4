metadata(version="0.1.0", description="CoAP client for MicroPython: RFC 7252, 7641, 7959")
package("coap")
