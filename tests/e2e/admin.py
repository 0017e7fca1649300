# SPDX-License-Identifier: Apache-2.0
"""A client of the relay's HTTP service for administration."""

import http.client
import json
import re
import socket

ADDRESS = ("127.0.0.1", 8091)
TOKEN = "0123456789abcdefghij"
METRIC = re.compile(r"^mediaferry_(\S+) (\d+)$", re.MULTILINE)


class AdminClient:
    def __init__(self, namespace):
        self.namespace = namespace

    def ask(self, method, path):
        """The body of the reply, which must be a success."""
        connection = http.client.HTTPConnection(*ADDRESS)
        connection.sock = self.namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.sock.connect(ADDRESS)
            connection.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        assert response.status < 300, f"{method} {path}: {response.status} {body}"
        return body

    def metrics(self):
        """Numbers by their names, which are without the prefix all have in common."""
        return {name: int(value) for name, value in METRIC.findall(self.ask("GET", "/metrics"))}

    def allocations(self):
        return json.loads(self.ask("GET", "/turn/allocations"))["allocations"]

    def end_allocation(self, allocation):
        self.ask("DELETE", f"/turn/allocations/{allocation['id']}")

    def credentials(self, user):
        """What a web backend hands on to a browser of that user."""
        reply = json.loads(self.ask("GET", f"/turn-credentials?user={user}&ttl=600"))
        return {"iceServers": reply["iceServers"]}

    def drain(self):
        self.ask("POST", "/turn/drain")

    def undrain(self):
        self.ask("DELETE", "/turn/drain")
