"""Who may use the API, and the response codes of what is refused."""

from ..model.devices import Device
from ..model.errors import BadRequest, ModelError, NotFound, ServerFault
from ..switches import Switches

CODES = {BadRequest: "4.00", NotFound: "4.04", ServerFault: "5.00"}


def refusal(device: Device | None, switches: Switches) -> str | None:
    """Return the code that answers any request of a device, or None; counts down the rate limit.

    device: whose access token it is, None for nobody's.
    """
    if device is None:
        return "4.01"
    if device.profile.transport == "EFENTO":
        return "4.00"
    if device.profile.transport not in ("DEFAULT", "COAP"):
        return "5.00"
    if switches.rate_limited:
        switches.rate_limited -= 1
        return "5.00"
    return None


def code_of(error: ModelError) -> str:
    return CODES[type(error)]
