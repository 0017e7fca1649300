# SPDX-License-Identifier: Apache-2.0
"""Bencode as the ng protocol uses it: dictionaries keep their order."""


def encode(value):
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, dict):
        return b"d" + b"".join(encode(k) + encode(v) for k, v in value.items()) + b"e"
    return b"l" + b"".join(encode(v) for v in value) + b"e"


def decode(data):
    value, end = _decode(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the value")
    return value


def _decode(data, at):
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind == b"l":
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = _decode(data, at)
            items.append(item)
        return items, at + 1
    if kind == b"d":
        items, at = {}, at + 1
        while data[at:at + 1] != b"e":
            key, at = _decode(data, at)
            items[key], at = _decode(data, at)
        return items, at + 1
    colon = data.index(b":", at)
    size = int(data[at:colon])
    text = data[colon + 1:colon + 1 + size]
    if len(text) != size:
        raise ValueError("truncated string")
    try:
        return text.decode(), colon + 1 + size
    except UnicodeDecodeError:
        return text, colon + 1 + size
