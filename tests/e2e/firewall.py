# SPDX-License-Identifier: Apache-2.0
"""A firewall on the way of one client: TCP to the WebSocket and one other port, nothing else."""

import json

from .kamailio import WSS_PORT

TABLE = "e2e_firewall"
# Multicast stays on the client's own network.
RULES = """
table inet {table} {{
    counter signalling {{}}
    counter media {{}}
    counter refused {{}}
    chain forward {{
        type filter hook forward priority filter - 1;
        meta pkttype multicast return
        {family} saddr {client} jump leaving
        {family} daddr {client} jump arriving
    }}
    chain leaving {{
        tcp dport {wss} counter name signalling return
        {transport} dport {port} counter name media return
        counter name refused drop
    }}
    chain arriving {{
        tcp sport {wss} counter name signalling return
        {transport} sport {port} counter name media return
        counter name refused drop
    }}
}}
"""


class Firewall:
    """On the router in `namespace`, for as long as the context lasts."""

    def __init__(self, namespace, client, transport, port):
        self.namespace = namespace
        self.rules = RULES.format(
            table=TABLE, family="ip6" if ":" in client else "ip", client=client,
            wss=WSS_PORT, transport=transport, port=port)

    def __enter__(self):
        self.namespace.run("nft", "-f", "-", stdin=self.rules)
        return self

    def __exit__(self, *_):
        self.namespace.run("nft", "delete", "table", "inet", TABLE)

    def packets(self, counter):
        """How many packets went that way, both directions together: `media`, `signalling`, or
        `refused`."""
        listed = json.loads(self.namespace.run("nft", "-j", "list", "counters", "table", "inet",
                                               TABLE))
        return next(entry["counter"]["packets"] for entry in listed["nftables"]
                    if entry.get("counter", {}).get("name") == counter)
