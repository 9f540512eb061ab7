"""Metadata: a picture's own bytes without it, such as where it was taken; the pixels stay as they are."""

import re
import struct

START_OF_IMAGE, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
START_OF_SCAN, END, APP0, APP14 = 0xDA, 0xD9, 0xE0, 0xEE
# Tables, frames and scans. C8 is reserved, DE and DF belong to a kind of JPEG that nobody writes.
NEEDED_SEGMENTS = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD} - {0xC8}
# With them the decoder knows which colours the numbers mean; what else such a segment may hold is left out.
JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"
JFIF_BYTES, ADOBE_BYTES = 14, 12
END_OF_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
NEEDED_CHUNKS = {b"IHDR": 13, b"PLTE": 768, b"tRNS": 256}  # and how long they may be
CHUNK_FRAME_BYTES = 12


class _UnusualError(Exception):
    """The bytes are not in the order that the format asks for, even if a decoder bears with them."""


def without_metadata(data: bytes, form: str) -> bytes | None:
    """Returns the bytes of a picture that its pixels need, and nothing that follows the picture's end.

    Args:
        data: A picture that can be decoded.
        form: `JPEG` or `PNG`.

    Returns:
        None where the bytes are in an unusual order: the picture is better encoded anew.

    Source: ITU-T T.81, annex B; W3C, Portable Network Graphics, third edition, part 5.
    """
    try:
        return _bare_png(data) if form == "PNG" else _bare_jpeg(data)
    except (_UnusualError, IndexError, struct.error):
        return None


def _bare_jpeg(data: bytes) -> bytes:
    kept = [START_OF_IMAGE]
    at = len(START_OF_IMAGE)
    while True:
        while data[at] == data[at + 1] == 0xFF:  # any marker may be preceded by such
            at += 1
        if data[at] != 0xFF:
            raise _UnusualError
        marker = data[at + 1]
        if marker == END:
            return b"".join([*kept, END_OF_IMAGE])
        end = at + 2 + (data[at + 2] << 8) + data[at + 3]
        if not at + 4 <= end <= len(data):
            raise _UnusualError
        if marker in NEEDED_SEGMENTS:
            begin, at = at, _end_of_scan(data, end) if marker == START_OF_SCAN else end
            kept.append(data[begin:at])
            continue
        content = data[at + 4 : end]
        if marker == APP0 and content.startswith(b"JFIF\0") and len(content) >= JFIF_BYTES:
            kept.append(struct.pack(">BBH", 0xFF, marker, len(JFIF) + 2) + JFIF)
        elif marker == APP14 and content.startswith(b"Adobe") and len(content) >= ADOBE_BYTES:
            kept.append(struct.pack(">BBH", 0xFF, marker, ADOBE_BYTES + 2) + content[:ADOBE_BYTES])
        at = end


def _end_of_scan(data: bytes, at: int) -> int:
    found = END_OF_SCAN.search(data, at)
    if found is None:
        raise _UnusualError
    return found.start()


def _bare_png(data: bytes) -> bytes:
    kept, at = [PNG_START], len(PNG_START)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + CHUNK_FRAME_BYTES + length]
        if kind == b"IEND":
            return b"".join([*kept, PNG_END])
        if len(chunk) != CHUNK_FRAME_BYTES + length or length > NEEDED_CHUNKS.get(kind, length):
            raise _UnusualError
        if kind == b"IDAT" or kind in NEEDED_CHUNKS:
            kept.append(chunk)
        at += len(chunk)
