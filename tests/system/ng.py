# SPDX-License-Identifier: Apache-2.0
"""A client of the ng protocol, as a SIP proxy is one."""
import itertools
import json
import os
import socket

import bencode

_cookies = itertools.count()


class NgError(Exception):
    """The relay answered result=error; the text is its error-reason."""


class NgClient:
    def __init__(self, address, timeout=5.0):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.given_up = set()  # cookies of requests whose reply may still come

    def close(self):
        self.socket.close()

    def raw(self, datagram):
        self.socket.send(datagram)
        return self.socket.recv(65535)

    def silent(self, datagram, seconds=0.3):
        """True when the relay has no answer to this datagram."""
        before = self.socket.gettimeout()
        self.socket.send(datagram)
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(65535)
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)

    def request(self, encoding="bencode", cookie=None, **keys):
        """Sends one command and returns the whole reply as a dictionary."""
        message = {name.replace("_", "-"): value for name, value in keys.items()}
        cookie = cookie or f"{os.getpid()}_{next(_cookies)}"
        body = bencode.encode(message) if encoding == "bencode" else json.dumps(message).encode()
        self.given_up.add(cookie.encode())
        reply = self.raw(cookie.encode() + b" " + body)
        self.given_up.remove(cookie.encode())
        while reply.partition(b" ")[0] in self.given_up:
            reply = self.socket.recv(65535)
        returned, _, document = reply.partition(b" ")
        assert returned == cookie.encode(), f"cookie {returned!r} for {cookie!r}"
        return bencode.decode(document) if encoding == "bencode" else json.loads(document)

    def command(self, verb, **keys):
        reply = self.request(command=verb, **keys)
        if reply["result"] == "error":
            raise NgError(reply["error-reason"])
        return reply

    def offer(self, call, sdp, tag="A", **keys):
        return self.command("offer", call_id=call, from_tag=tag, sdp=sdp, **keys)["sdp"]

    def answer(self, call, sdp, tag="A", to="B", **keys):
        return self.command("answer", call_id=call, from_tag=tag, to_tag=to, sdp=sdp, **keys)["sdp"]

    def delete(self, call, tag="A", **keys):
        return self.command("delete", call_id=call, from_tag=tag, **keys)

    def query(self, call, **keys):
        return self.command("query", call_id=call, **keys)

    def calls(self, limit=100000):
        return self.command("list", limit=limit)["calls"]
