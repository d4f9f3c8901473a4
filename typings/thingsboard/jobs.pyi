from .device import Device
from .updater import Updater

async def run(
    device: Device,
    updater: Updater | None = None,
    keepalive_ms: int = 25000,
    reregister_ms: int = 300000,
    rpc_type: int = 0,
) -> None: ...
