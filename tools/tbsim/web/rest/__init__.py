"""ThingsBoard's REST API, as far as programs of this project use it: log in, devices, profiles,
packages, attributes, telemetry and commands.

It answers as the controllers of ThingsBoard 4.4 do, from the simulator's own store: to assign a
package here updates a board. `WebServer(sim, [rest.mount])` serves it to one user, a tenant's
administrator.
"""

from .access import PASSWORD, USER
from .routes import mount

__all__ = ["PASSWORD", "USER", "mount"]
