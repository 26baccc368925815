"""Writes src/HeteroQwen.Models/Tokenization/nfc.bin: python3 docs/unicode/nfc.py OUT

Canonical combining classes and canonical mappings of Unicode 9.0, from Python's own tables (3.11, Unicode 14; any later one does).
Normalisation of assigned characters never changes, so older tables are newer ones less the characters added since, listed below.
"""
import sys
import unicodedata as u

# Characters with a combining class or a canonical mapping that came after Unicode 9.0, up to 14.0.
ADDED = [(0x07FD, 0x07FD), (0x0898, 0x089F), (0x08CA, 0x08D3), (0x09FE, 0x09FE), (0x0C3C, 0x0C3C), (0x0D3B, 0x0D3C), (0x0EBA, 0x0EBA),
         (0x1715, 0x1715), (0x1ABF, 0x1ACE), (0x1DF6, 0x1DFA), (0xA82C, 0xA82C), (0x10D24, 0x10D27), (0x10EAB, 0x10EAC),
         (0x10F46, 0x10F50), (0x10F82, 0x10F85), (0x11070, 0x11070), (0x1133B, 0x1133B), (0x1145E, 0x1145E), (0x11839, 0x1183A),
         (0x11938, 0x11938), (0x1193D, 0x1193E), (0x11943, 0x11943), (0x119E0, 0x119E0), (0x11A34, 0x11A34), (0x11A47, 0x11A47),
         (0x11A99, 0x11A99), (0x11D42, 0x11D42), (0x11D44, 0x11D45), (0x11D97, 0x11D97), (0x16FF0, 0x16FF1), (0x1E130, 0x1E136),
         (0x1E2AE, 0x1E2AE), (0x1E2EC, 0x1E2EF)]


def later(c):
    return any(a <= c <= b for a, b in ADDED)


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


assert u.unidata_version == "14.0.0", "extend ADDED for this Python's Unicode " + u.unidata_version
classes, mappings = [], []
for c in range(0x110000):
    if 0xD800 <= c < 0xE000 or later(c):
        continue
    ccc = u.combining(chr(c))
    if ccc and classes and classes[-1][1] == c - 1 and classes[-1][2] == ccc:
        classes[-1][1] = c
    elif ccc:
        classes.append([c, c, ccc])
    canonical = u.decomposition(chr(c))
    if canonical and not canonical.startswith("<"):
        parts = [int(x, 16) for x in canonical.split()]
        composes = len(parts) == 2 and u.normalize("NFC", chr(c)) == chr(c)
        mappings.append((c, parts[0], parts[1] if len(parts) == 2 else 0, composes))

data = bytearray(varint(len(classes)))
previous = 0
for first, last, ccc in classes:
    data += varint(first - previous) + varint(last - first) + varint(ccc)
    previous = last
data += varint(len(mappings))
previous = 0
for c, first, second, composes in mappings:
    data += varint(c - previous) + varint(first) + varint(second * 2 + composes)
    previous = c
open(sys.argv[1], "wb").write(data)
print(len(classes), "ranges of combining classes,", len(mappings), "mappings,", len(data), "bytes")
