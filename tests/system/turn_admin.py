# SPDX-License-Identifier: Apache-2.0
"""A client of the HTTP port for operators."""
import http.client
import json
import urllib.parse

TOKEN = "a-token-of-the-tests"


class Admin:
    def __init__(self, port, token=TOKEN):
        self.port, self.token = port, token

    def ask(self, method, path, body=None, **query):
        """(status, JSON or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            text = None if body is None else json.dumps(body)
            if query:
                path += "?" + urllib.parse.urlencode(query)
            connection.request(method, path, text, headers)
            reply = connection.getresponse()
            data = reply.read()
            is_json = "json" in reply.getheader("Content-Type", "")
            return reply.status, json.loads(data) if is_json else data.decode()
        finally:
            connection.close()

    def get(self, path, **query):
        status, reply = self.ask("GET", path, **query)
        assert status == 200, reply
        return reply

    def allocations(self, **query):
        return self.get("/turn/allocations", **query)["allocations"]

    def metric(self, name):
        lines = [line.split() for line in self.get("/metrics").splitlines() if not line.startswith("#")]
        return sum(float(words[-1]) for words in lines if words[0].partition("{")[0] == f"mediaferry_{name}")
