metadata(
    description="A/B updates of applications and ESP32 firmware that cannot brick a board.",
    version="0.1.0",
)

module("trial.py")
package("abupdate")
