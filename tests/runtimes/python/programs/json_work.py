import json


def main():
    text = json.dumps({"a": [1, 2.5, None, {"b": "\u00e9" * 50}], "c": list(range(200))}, indent=1, sort_keys=True)
    for _ in range(20):
        value = json.loads(text)
        list(json.JSONEncoder(indent=2).iterencode(value))
    try:
        json.loads("{\"a\": }")
    except ValueError:
        pass
