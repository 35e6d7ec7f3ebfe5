"""A report that costs CPU time and nothing else: checksums over made-up bookings, row by row."""

BOOKINGS_PER_ROW = 250_000


def handler(event, context):
    rows = int(event.get("rows", 22))
    return {"rows": rows, "checksum": sum(add_up(row) for row in range(rows)) % 2**32}


def add_up(row):
    """One line of the report. Deliberately a plain loop: this is what a profile should show."""
    checksum = row
    for amount in bookings():
        checksum = (checksum * 31 + amount) & 0xFFFFFFFF
    return checksum


def bookings():
    return range(0, BOOKINGS_PER_ROW * 3, 3)
