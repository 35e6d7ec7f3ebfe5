"""Shrinks a picture to a thumbnail. Memory grows with the input: 4 bytes a pixel."""

BYTES_PER_PIXEL = 4
THUMBNAIL_WIDTH = 256
# A real one would decode the upload; this one paints a pattern of the same size.
PATTERN = bytes(range(256)) * 4096


def handler(event, context):
    width, height = size_of(event)
    bitmap = decode(width, height)
    thumbnail = shrink(bitmap, width, height)
    return {
        "width": width,
        "height": height,
        "bitmap_bytes": len(bitmap),
        "thumbnail_bytes": len(thumbnail),
    }


def size_of(event):
    if "megapixels" in event:
        side = int((float(event["megapixels"]) * 1e6) ** 0.5)
        return side, side
    return int(event["width"]), int(event["height"])


def decode(width, height):
    """The whole picture as one block of RGBA bytes."""
    size = width * height * BYTES_PER_PIXEL
    bitmap = bytearray(size)
    view = memoryview(bitmap)
    for start in range(0, size, len(PATTERN)):
        part = min(len(PATTERN), size - start)
        view[start:start + part] = PATTERN[:part]
    return bitmap


def shrink(bitmap, width, height):
    """Every n-th pixel of every n-th line."""
    step = max(1, width // THUMBNAIL_WIDTH)
    pixels = memoryview(bitmap).cast("I")
    thumbnail = bytearray()
    for y in range(0, height, step):
        thumbnail += pixels[y * width:(y + 1) * width:step].tobytes()
    return thumbnail
