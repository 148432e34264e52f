"""Files that hold what they should not, and a number of examples for what must hold of all."""

import io
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest

EXAMPLES = pytest.mark.parametrize("examples", [40])  # for a test that hands them to hypothesis


def npy(array, **options):
    """An array as the bytes of a ``.npy``."""
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npy_header(shape, descr="'|u1'"):
    """The header of a ``.npy``, which may claim anything, and no array after it."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def write_zip(path, members, method=zipfile.ZIP_STORED):
    """A zip of pairs of a name and bytes; a name may come twice."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore")  # of a name that comes twice
        for name, content in members:
            archive.writestr(name, content)
    return path


def change_headers(path, flags=0, method=None):
    """Let both headers of a zip's first member say something else than its bytes are."""
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = content.find(mark) + offset
        content[place] |= flags
        if method is not None:
            content[place + 2] = method
    path.write_bytes(content)
    return path


def claim_size(path, size):
    """Let the directory of a zip say that its first member unpacks to so many bytes."""
    content = bytearray(path.read_bytes())
    place = content.find(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    return path


def png(width, height, data=b"", bits=8, colour=2, chunks=()):
    """A PNG whose header may claim more than its data."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def chunk(kind, body):
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def mutated(content, changes, cut):
    """Bytes with some replaced, and perhaps cut off."""
    changed = bytearray(content)
    for place, value in changes:
        changed[place % len(changed)] = value
    return bytes(changed[: len(changed) if cut is None else cut % (len(changed) + 1)])
