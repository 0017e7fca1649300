# SPDX-License-Identifier: Apache-2.0
"""The web backend that config/kamailio/kamailio.cfg asks: users' HA1, and who may call whom."""

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ADDRESS = ("127.0.0.1", 8090)
PASSWORD = "s3cret"
USERS = {"alice": "+4930111", "bob": "+4930222", "carol": "+4930333"}
FORBIDDEN_NUMBER = "premium"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.server.requests.append((url.path, query))
        answer = {"/ha1": self._ha1, "/call": self._call}.get(url.path, lambda _: (404, ""))
        self._reply(*answer(query))

    def _ha1(self, query):
        user = query.get("user")
        if user not in USERS:
            return 404, ""
        secret = f"{user}:{self.server.realm}:{PASSWORD}"
        return 200, hashlib.md5(secret.encode()).hexdigest()

    def _call(self, query):
        if query.get("to") == FORBIDDEN_NUMBER or query.get("from") not in USERS:
            return 403, "no"
        return 200, USERS[query["from"]]

    def _reply(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Backend:
    """Serves inside `namespace`; `requests` lists what was asked as (path, query)."""

    def __init__(self, namespace, realm):
        listener = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(ADDRESS)
        self.server = ThreadingHTTPServer(ADDRESS, _Handler, bind_and_activate=False)
        self.server.socket.close()
        self.server.socket = listener
        self.server.daemon_threads = True
        self.server.realm = realm
        self.server.requests = []
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def requests(self):
        return self.server.requests

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
