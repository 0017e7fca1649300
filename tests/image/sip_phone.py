# SPDX-License-Identifier: Apache-2.0
"""As much of SIP over WebSocket (RFC 7118) as a browser needs to call somebody."""
import re
import secrets

import websocket

HOST = "phone.invalid"


class SipPhone:
    def __init__(self, url, domain, user="alice"):
        self.domain, self.user = domain, user
        self.socket = websocket.create_connection(url, timeout=10, subprotocols=["sip"])
        self.call_id, self.tag = secrets.token_hex(8), secrets.token_hex(4)
        self.sequence, self.to, self.target, self.routes = 0, "", "", []

    def _send(self, method, sequence, body=""):
        routes = "".join(f"Route: {route}\r\n" for route in self.routes)
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.socket.send(
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/WS {HOST};branch=z9hG4bK{secrets.token_hex(6)}\r\n"
            f"From: <sip:{self.user}@{self.domain}>;tag={self.tag}\r\nTo: {self.to}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {sequence} {method}\r\nMax-Forwards: 70\r\n{routes}"
            f"Contact: <sip:{self.user}@{HOST};transport=ws>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}")

    def _final_reply(self):
        while True:
            head, _, body = self.socket.recv().partition("\r\n\r\n")
            status = int(head.split()[1])
            if status >= 200:
                return status, head, body

    def invite(self, number, sdp):
        """Gives the SDP of who has answered."""
        self.sequence += 1
        self.to = self.target = f"sip:{number}@{self.domain}"
        self.to = f"<{self.to}>"
        self._send("INVITE", self.sequence, sdp)
        status, head, body = self._final_reply()
        assert status == 200, head
        self.to = re.search(r"^To: (.*)$", head, re.M | re.I)[1].strip()
        self.target = re.search(r"^Contact: *<([^>]*)>", head, re.M | re.I)[1]
        self.routes = [route.strip() for line in re.findall(r"^Record-Route: (.*)$", head, re.M | re.I)
                       for route in line.split(",")][::-1]
        self._send("ACK", self.sequence)
        return body

    def bye(self):
        self.sequence += 1
        self._send("BYE", self.sequence)
        return self._final_reply()[0]

    def close(self):
        self.socket.close()
