"""ThingsBoard's back end: profiles, devices, attributes, telemetry, RPC, packages, provisioning.

Knows no CoAP and never blocks. Behaviour follows ThingsBoard 4.4 (JsonConverter,
DeviceActorMessageProcessor, DeviceProvisionServiceImpl, DefaultOtaPackageStateService).
"""
