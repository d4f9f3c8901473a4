# The end of a deployment by cable: what was copied into a folder takes its place.
#
# All of it is there, and compared, before the file "plan" is; from then on the deployment happens,
# now or at the next start, whenever the power fails. Each step may be done twice.

import json
import os

FOLDER = "/new"
PLAN = FOLDER + "/plan"


def finish():
    """Do what a plan says, if there is one: {"move": [[name, place]..], "remove": [place..]}."""
    try:
        with open(PLAN) as file:
            plan = json.load(file)
    except (OSError, ValueError):
        return  # there is none, or its writing was cut off
    for place in plan["remove"]:
        _attempt(os.remove, place)
    for name, place in plan["move"]:
        parts = place.split("/")
        for end in range(2, len(parts)):
            _attempt(os.mkdir, "/".join(parts[:end]))
        _attempt(os.rename, FOLDER + "/" + name, place)
    os.remove(PLAN)
    _attempt(os.rmdir, FOLDER)


def _attempt(step, *paths):
    # What was done before the power failed is done.
    try:
        step(*paths)
    except OSError:
        pass
