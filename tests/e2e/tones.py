# SPDX-License-Identifier: Apache-2.0
"""Tones: a file for a browser's microphone, and telling them again in G.711 RTP."""

import itertools
import math
import struct
import wave

RATE = 8000
PCMU, PCMA = 0, 8


def write_wav(path, hz, seconds=10, rate=48000):
    """A sine that goes on without a click when the file is played in a loop."""
    step = 2 * math.pi * hz / rate
    samples = [int(8000 * math.sin(step * i)) for i in range(seconds * rate)]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def _from_ulaw(byte):
    byte = ~byte & 0xFF
    magnitude = (((byte & 15) << 3) + 132 << (byte >> 4 & 7)) - 132
    return -magnitude if byte & 0x80 else magnitude


def _from_alaw(byte):
    byte ^= 0x55
    segment, step = byte >> 4 & 7, (byte & 15) << 4
    magnitude = step + 8 if segment == 0 else step + 264 << (segment - 1)
    return magnitude if byte & 0x80 else -magnitude


DECODERS = {
    PCMU: [_from_ulaw(byte) for byte in range(256)],
    PCMA: [_from_alaw(byte) for byte in range(256)],
}


def packets(hz, ssrc):
    """RTP packets of 20 ms PCMU with a tone, without end."""
    to_byte = {}

    def encode(sample):
        if sample not in to_byte:
            table = DECODERS[PCMU]
            to_byte[sample] = min(range(256), key=lambda byte: abs(table[byte] - sample))
        return to_byte[sample]

    step = 2 * math.pi * hz / RATE
    for sequence in itertools.count():
        start = sequence * 160
        samples = (int(8000 * math.sin(step * (i % RATE))) for i in range(start, start + 160))
        header = struct.pack("!BBHII", 0x80, PCMU, sequence & 0xFFFF, start & 0xFFFFFFFF, ssrc)
        yield header + bytes(encode(sample) for sample in samples)


def decode(payload_type, payload):
    table = DECODERS[payload_type]
    return [table[byte] for byte in payload]


def loudness(samples):
    """Root mean square; 0 is silence."""
    return math.sqrt(sum(s * s for s in samples) / len(samples)) if samples else 0.0


def share(samples, hz):
    """How much of the power lies at `hz`, 0 to 1 (Goertzel's filter over 200 ms blocks)."""
    block = RATE // 5
    at_hz = total = 0.0
    for start in range(0, len(samples) - block + 1, block):
        coefficient = 2 * math.cos(2 * math.pi * hz / RATE)
        s1 = s2 = 0.0
        for sample in samples[start:start + block]:
            s1, s2 = sample + coefficient * s1 - s2, s1
        at_hz += 2 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / block
        total += sum(s * s for s in samples[start:start + block])
    return at_hz / total if total > 0 else 0.0
