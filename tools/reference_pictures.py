#!/usr/bin/env python3
"""Makes pictures of every kind in tests/files, and pictures.npz there: what Pillow reads from them, u8
[3,h,w], by their names. NAME is the stored numbers, NAME.white those on white, NAME.gamma those of sRGB,
and NAME.1 to NAME.8 those turned by that EXIF orientation.

Usage: tools/reference_pictures.py   (needs numpy and pillow)
"""
import io
import os
import struct
import zlib

import numpy as np
import PIL.Image
import PIL.ImageOps

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/files")
H, W = 3, 4
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
PLAIN, ADAM7 = 0, 1
want = {}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def passes(rows, interlaced):
    """The pixels [h,w,bytes] as they stand in the stream, a filter byte in front of each row."""
    starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
              (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    parts = [rows[y::dy, x::dx] for y, x, dy, dx in starts]
    return b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)


def png(name, colour, pixels, depth=8, interlace=PLAIN, extra=()):
    pixels = np.ascontiguousarray(pixels, ">u2" if depth == 16 else "u1")
    head = struct.pack(">IIBBBBB", W, H, depth, colour, 0, 0, interlace)
    body = chunk(b"IHDR", head) + b"".join(chunk(k, v) for k, v in extra)
    body += chunk(b"IDAT", zlib.compress(passes(pixels, interlace))) + chunk(b"IEND", b"")
    with open(f"{FILES}/{name}.png", "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + body)
    note(f"{name}.png")


def planes(image):
    return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))


def note(name):
    with PIL.Image.open(f"{FILES}/{name}") as image:
        white = PIL.Image.new("RGBA", image.size, "white")
        want[name] = planes(image)
        want[name + ".white"] = planes(PIL.Image.alpha_composite(white, image.convert("RGBA")))


def note_gamma(name, gamma):
    want[name + ".gamma"] = np.rint(255 * (want[name] / 255) ** (1 / (2.2 * gamma))).astype("u1")


def pngs():
    y, x = np.mgrid[0:H, 0:W]
    rgb = np.stack([20 * x + 60 * y, 255 - 30 * x, 10 + 5 * x * y], -1)
    alpha = np.array([[0, 1, 64, 128], [255, 254, 200, 100], [0, 255, 0, 255]])[..., None]
    rgba = np.concatenate([rgb, alpha], -1)
    gama = (b"gAMA", struct.pack(">I", 100000))
    png("rgba", RGBA, rgba)
    png("rgba_interlaced", RGBA, rgba, interlace=ADAM7)
    png("rgba16", RGBA, rgba * 257, depth=16)
    png("grey_alpha", GREY_ALPHA, rgba[..., [0, 3]])
    png("grey_key", GREY, rgb[..., :1], extra=[(b"tRNS", struct.pack(">H", 60))])
    png("rgb_key", RGB, rgb, extra=[(b"tRNS", struct.pack(">HHH", 20, 225, 10))])
    colours = bytes(rgb.astype("u1").reshape(-1))
    png("palette_alpha", PALETTE, (x + W * y)[..., None],
        extra=[(b"PLTE", colours), (b"tRNS", bytes(alpha.astype("u1").reshape(-1)))])
    png("gamma", RGB, rgb, extra=[gama])
    note_gamma("gamma.png", 1.0)


def others():
    y, x = np.mgrid[0:H, 0:W]
    rgb = PIL.Image.fromarray(np.stack([20 * x + 60 * y, 255 - 30 * x, 10 + 5 * x * y], -1).astype("u1"))
    rgb.save(f"{FILES}/colours.bmp")
    rgb.save(f"{FILES}/colours.ppm")
    rgb.quantize(7).save(f"{FILES}/palette.bmp")
    rgb.convert("1").save(f"{FILES}/bits.bmp")
    exif = PIL.Image.Exif()
    exif[0x112] = 6
    alpha = PIL.Image.fromarray((60 * x + 20 * y).astype("u1"))
    rgb.save(f"{FILES}/colours.webp", quality=80)
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    rgba.save(f"{FILES}/alpha.webp", lossless=True, exact=True, exif=exif)
    want["alpha.webp.6"] = planes(rgb.transpose(PIL.Image.Transpose.ROTATE_270))
    for name in ["colours.bmp", "colours.ppm", "palette.bmp", "bits.bmp", "colours.webp", "alpha.webp"]:
        note(name)
    with open(f"{FILES}/grey16.pgm", "wb") as f:
        f.write(b"P5 # sixteen bits\n4 3\n65535\n" + (5000 * (x + W * y)).astype(">u2").tobytes())


def turned(name, **options):
    """Noted for all orientations; saved with the sixth."""
    y, x = np.mgrid[0:8, 0:16]
    image = PIL.Image.fromarray(np.stack([15 * x, 32 * y, 255 - 15 * x], -1).astype("u1"))
    for orientation in [1, 2, 3, 4, 5, 7, 8, 6]:
        exif = PIL.Image.Exif()
        exif[0x112] = orientation
        memory = io.BytesIO()
        image.save(memory, name.split(".")[-1], exif=exif, **options)
        with PIL.Image.open(memory) as again:
            want[f"{name}.{orientation}"] = planes(PIL.ImageOps.exif_transpose(again))
    with open(f"{FILES}/{name}", "wb") as f:
        f.write(memory.getvalue())


if __name__ == "__main__":
    pngs()
    others()
    turned("exif.jpeg", quality=95)
    turned("exif.png")
    np.savez_compressed(f"{FILES}/pictures.npz", **want)
    print(f"{len(want)} arrays by Pillow {PIL.__version__}")
