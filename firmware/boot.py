# Runs before main.py, and also after the soft reset with which mpremote begins, when main.py does
# not run. A board that was stopped by hand is kept from restarting (hold.py), and a deployment
# that a power cut interrupted is finished (deployed.py).

import os

try:
    if "new" in os.listdir("/"):
        import deployed

        deployed.finish()
except Exception as error:  # half a deployment must not keep anybody out
    print("boot:", error)
try:
    import hold

    if hold.said() == hold.STOPPED:
        hold.feed()
except Exception as error:
    print("boot:", error)
