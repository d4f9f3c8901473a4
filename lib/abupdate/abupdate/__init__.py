# A/B updates that cannot brick. Knows flash and images; nothing of CoAP or ThingsBoard.
