# The end of a deployment by cable: what was copied into a folder takes its place.
#
# All of it is there, and compared, before the file "plan" is; from then on the deployment happens,
# now or at the next start, whenever the power fails. Each step may be done twice. Without a plan
# the copying was cut off, and what came is removed: an update may want the room.

import json
import os

FOLDER = "/new"
PLAN = FOLDER + "/plan"


def finish():
    """Do what a plan says, if there is one: {"move": [[name, place]..], "remove": [place..]}.

    Raises OSError if that cannot be done; it is tried again at the next start.
    """
    try:
        with open(PLAN) as file:
            plan = json.load(file)
    except (OSError, ValueError):
        plan = {"move": (), "remove": ()}  # there is none, or its writing was cut off
    left = os.listdir(FOLDER)
    for name, place in plan["move"]:
        if name not in left:
            continue  # it was moved before the power failed
        parts = place.split("/")
        for end in range(2, len(parts)):
            try:
                os.mkdir("/".join(parts[:end]))
            except OSError:
                pass  # it is there
        os.rename(FOLDER + "/" + name, place)
    for place in plan["remove"]:
        try:
            os.remove(place)
        except OSError:
            pass  # it was removed before
    # PLAN goes first: without it the rest means nothing.
    for name in sorted(os.listdir(FOLDER), reverse=True):
        os.remove(FOLDER + "/" + name)
    os.rmdir(FOLDER)
