# SPDX-License-Identifier: Apache-2.0
"""The layers of the source tree: who may include whom. Neighbours do not include each other."""
import pathlib
import re
import sys

CODECS = {"mediaferry", "wire", "stun", "rtp", "sdp", "bencode"}
MAY_INCLUDE = {
    "mediaferry": set(),  # the codec library: seen by all, sees nothing
    "base": {"mediaferry"},
    "net": {"mediaferry", "base"},
    "xdp": {"mediaferry", "base", "net"},
    "wire": {"mediaferry"},
    "stun": {"mediaferry", "base"},
    "rtp": {"mediaferry", "base"},
    "sdp": {"mediaferry", "base"},
    "bencode": {"mediaferry", "base"},
    "ice": CODECS | {"base"},
    "dtls": CODECS | {"base"},
    "rtpsec": CODECS | {"base"},
    "plan": {"mediaferry", "base", "rtpsec"},  # rtpsec/suite.h: names and lengths
    "call": CODECS | {"base", "plan", "rtpsec"},
    "credentials": CODECS | {"base"},
    "turn": CODECS | {"base", "net", "credentials"},
    "turnserver": CODECS | {"base", "net", "dtls", "credentials", "turn"},
    "redis": CODECS | {"base", "net", "credentials"},
    "relay": CODECS | {"base", "net", "plan", "ice", "dtls", "rtpsec"},
    "session": CODECS | {"base", "net", "plan", "dtls", "call", "relay"},
    "store": CODECS | {"base", "net", "redis"},
    "fleet": CODECS | {"base", "store"},
    "ng": CODECS | {"base", "net", "plan", "call", "session"},
    "admin": CODECS | {"base", "net", "credentials", "turnserver"},
    "ctl": {"mediaferry", "base"},  # talks to the daemon, shares nothing with it
    "daemon": CODECS | {"base", "net", "ice", "dtls", "rtpsec", "plan", "call", "relay", "session", "ng"}
    | {"credentials", "turn", "turnserver", "redis", "store", "fleet", "admin", "xdp"},
}
# The codec library and layer 2 stay free of sockets, loops and logs.
FORBIDDEN = {
    "mediaferry": ("uv.h", "openssl/", "srtp2/", "sys/socket.h"),
    "ice": ("uv.h", "sys/socket.h", "base/log.h"),
    "dtls": ("uv.h", "sys/socket.h", "base/log.h"),
    "rtpsec": ("uv.h", "sys/socket.h", "base/log.h"),
    "credentials": ("uv.h", "sys/socket.h", "base/log.h"),
    "turn": ("uv.h", "sys/socket.h", "base/log.h", "net/worker.h"),
    "call": ("uv.h", "sys/socket.h", "base/log.h"),
}


def main(root):
    wrong = []
    files = sorted([*root.glob("src/*/*.[ch]"), *root.glob("include/*/*.h")])
    for path in files:
        module = path.parent.name
        text = path.read_text()
        if module not in MAY_INCLUDE:
            wrong.append(f"{path}: folder {module} is not in the table of layers")
            continue
        for seen in re.findall(r'^#include "(\w+)/', text, re.M):
            if seen != module and seen != "mediaferry" and seen not in MAY_INCLUDE[module]:
                wrong.append(f"{path}: {module} must not include {seen}")
        for header in re.findall(r"^#include [<\"]([^>\"]+)", text, re.M):
            if header.startswith(FORBIDDEN.get(module, ())) and FORBIDDEN.get(module):
                wrong.append(f"{path}: {module} must not include {header}")
        if "SPDX-License-Identifier: Apache-2.0" not in text.splitlines()[0]:
            wrong.append(f"{path}: the first line must be the SPDX line")
    print("\n".join(wrong) or f"{len(files)} files keep to their layers")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
