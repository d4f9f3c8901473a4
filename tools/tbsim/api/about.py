"""What Californium says of itself and of the server's resources."""

TEXT = 0  # Content-Format text/plain
LINKS = 40  # application/link-format
RULER = "*" * 64
BANNER = f"""{RULER}
CoAP RFC 7252
{RULER}
This server is using the Eclipse Californium (Cf) CoAP framework
published under EPL+EDL: http://www.eclipse.org/californium/

(c) 2014-2023 Institute for Pervasive Computing, ETH Zurich
              and others
{RULER}"""
RESOURCES = (
    "</api>,</api/v1>;obs,</efento>;obs,</efento/c>,</efento/i>,</efento/m>,</efento/t>,"
    "</fw>;obs,</sw>;obs"
)
# path: payload and Content-Format of the answer to GET
TEXTS = {
    (): (BANNER.encode(), TEXT),
    (".well-known", "core"): (RESOURCES.encode(), LINKS),
}
