"""ThingsBoard's device API over CoAP: paths and features to the model, the model to the wire."""
