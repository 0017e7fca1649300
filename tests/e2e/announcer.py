# SPDX-License-Identifier: Apache-2.0
"""A SIP endpoint that speaks before it answers: 183 with SDP and a tone at once, 200 when told.

baresip 1.0 sends no media before its answer, so early media needs this one.
"""

import re
import socket
import threading
import time

from . import tones

PACKET_S = 0.02
RTP_PORT = 12000

SDP = """\
v=0
o=- 1 1 IN IP4 {address}
s=-
c=IN IP4 {address}
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=sendrecv
"""


def _header(message, name):
    return re.findall(rf"^{name}: *(.*?)\r$", message, re.M | re.I)


class Announcer:
    """One call at a time, on address:5060; `requests` lists the methods it was sent."""

    name = "announcer"

    def __init__(self, namespace, address, hz):
        self.address = address
        self.hz = hz
        self.requests = []
        self.invite = None
        self.listener = None
        self.stopped = False
        self.sip = self._open(namespace, 5060)
        self.rtp = self._open(namespace, RTP_PORT)
        self.threads = [threading.Thread(target=loop, daemon=True)
                        for loop in (self._serve, self._speak)]
        for thread in self.threads:
            thread.start()

    def _open(self, namespace, port):
        opened = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((self.address, port))
        opened.settimeout(0.2)
        return opened

    def answer(self):
        self._reply(self.invite, "200 OK", with_sdp=True)

    def _serve(self):
        while not self.stopped:
            try:
                data, self.proxy = self.sip.recvfrom(65535)
            except TimeoutError:
                continue
            message = data.decode()
            method = message.split(" ", 1)[0]
            self.requests.append(method)
            handler = {"INVITE": self._on_invite, "CANCEL": self._on_cancel,
                       "BYE": self._on_bye, "OPTIONS": self._on_options}.get(method)
            if handler:
                handler(message)

    def _on_invite(self, message):
        if self.invite is None:
            host = re.search(r"^c=IN IP4 (\S+)", message, re.M)[1]
            port = re.search(r"^m=audio (\d+)", message, re.M)[1]
            self.invite = message
            self.listener = (host, int(port))
        self._reply(message, "183 Session Progress", with_sdp=True)

    def _on_cancel(self, message):
        self._reply(message, "200 OK")
        self._reply(self.invite, "487 Request Terminated")
        self._forget()

    def _on_bye(self, message):
        self._reply(message, "200 OK")
        self._forget()

    def _on_options(self, message):
        self._reply(message, "200 OK")

    def _forget(self):
        self.invite = self.listener = None

    def _reply(self, request, status, with_sdp=False):
        to = _header(request, "To")[0]
        lines = [f"SIP/2.0 {status}"]
        for name in ("Via", "Record-Route", "From", "Call-ID", "CSeq"):
            lines += [f"{name}: {value}" for value in _header(request, name)]
        lines += [f"To: {to}" if ";tag=" in to else f"To: {to};tag=announcer",
                  f"Contact: <sip:announcer@{self.address}:5060>"]
        body = SDP.format(address=self.address, port=RTP_PORT).replace("\n", "\r\n")
        if with_sdp:
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}", "", body]
        else:
            lines += ["Content-Length: 0", "", ""]
        self.sip.sendto("\r\n".join(lines).encode(), self.proxy)

    def _speak(self):
        packets = tones.packets(self.hz, ssrc=0x616E6E6F)
        due = time.monotonic()
        while not self.stopped:
            due += PACKET_S
            time.sleep(max(0, due - time.monotonic()))
            listener = self.listener
            if listener:
                self.rtp.sendto(next(packets), listener)

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()
        self.sip.close()
        self.rtp.close()
