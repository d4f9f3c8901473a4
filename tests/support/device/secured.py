# A Security from the environment variable SECURITY: a JSON object of its arguments, where those of
# bytes are names of files; None without it. An argument of the command line would be too long.

import json
import os


def security():
    arguments = json.loads(os.getenv("SECURITY") or "null")
    if arguments is None:
        return None
    from coap.dtls import Security

    for name in ("trusted", "certificate", "key"):
        if arguments.get(name):
            with open(arguments[name], "rb") as file:
                arguments[name] = file.read()
    if "psk" in arguments:
        arguments["psk"] = [part.encode() for part in arguments["psk"]]
    return Security(**arguments)
