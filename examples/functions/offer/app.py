"""An offer whose discount is drawn anew at each call: the same question gets different answers."""
import random


def handler(event, context):
    return {"sku": event["sku"], "cents": event["cents"] - random.randrange(1, event["cents"])}
