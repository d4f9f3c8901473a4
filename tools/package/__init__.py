"""The update builder: keys, packages from applications or ESP32 images, and a look into them.

From Python: `application.collect`, `container.build`, `container.parse`, `keys.load_or_create`.
"""
