"""What a browser asks of the simulator's page, without a browser."""

import http.client
import json


class Asked:
    """The answer to a request: status, text, and what JSON is in it."""

    def __init__(self, server, method, path, body=b"", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()
        connection.close()

    @property
    def error(self):
        assert self.status == 400, self.text
        return json.loads(self.text)["error"]


def do(server, action, body=None, **headers):
    return Asked(server, "POST", f"/sim/{action}", json.dumps(body or {}), **headers)


class Stream:
    """The events of a browser: `part(name)` waits for the next one of a name."""

    def __init__(self, server, query=""):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        self.connection.request("GET", "/sim/events?" + query)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.response.close()
        self.connection.close()

    def part(self, name, condition=lambda part: True):
        event = None
        while line := self.response.readline().decode().strip() or "-":
            word, _, rest = line.partition(": ")
            event = rest if word == "event" else event
            if word == "data" and event == name and condition(part := json.loads(rest)):
                return part
        raise AssertionError("the stream ended")
