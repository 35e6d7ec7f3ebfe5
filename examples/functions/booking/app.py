"""Books a seat in a system that takes its time. One at a time are served where so many are reserved; others are refused."""
import time


def handler(event, context):
    time.sleep(event.get("takes_s", 0.3))
    return {"booked": event["seat"]}
