# SPDX-License-Identifier: Apache-2.0
"""A small client of the ng protocol: JSON over UDP."""

import json
import socket
import uuid


class NgClient:
    def __init__(self, namespace, address):
        self.socket = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)

    def ask(self, command, timeout=2.0, **keys):
        """The reply, or None when there is none in time."""
        cookie = uuid.uuid4().hex
        self.socket.settimeout(timeout)
        try:
            self.socket.send(f"{cookie} {json.dumps({'command': command, **keys})}".encode())
            while True:
                got, _, body = self.socket.recv(65535).partition(b" ")
                if got.decode() == cookie:
                    return json.loads(body)
        except (TimeoutError, ConnectionRefusedError):
            return None

    def close(self):
        self.socket.close()
