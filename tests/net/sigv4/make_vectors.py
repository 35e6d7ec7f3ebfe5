#!/usr/bin/env python3
"""Prints the Lambda vectors of sigv4_test.cpp, signed by botocore (Debian: python3-botocore).

The published suite has no path with ":" or "%3A" and no Lambda calls; botocore is the judge for those.

Usage: tests/net/sigv4/make_vectors.py
"""
import datetime
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = datetime.datetime(2015, 8, 30, 12, 36, 0, tzinfo=datetime.timezone.utc)
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
FUNCTIONS = "/2015-03-31/functions/"

CASES = [
    ("GET", FUNCTIONS, "", ""),
    ("GET", FUNCTIONS + "orders?Qualifier=7", "", ""),
    ("GET", FUNCTIONS + ARN, "", ""),
    ("GET", FUNCTIONS + ARN.replace(":", "%3A"), "", ""),
    ("GET", "/2017-03-31/tags/" + ARN.replace(":", "%3A"), "", "TOKEN/with+signs=="),
    ("GET", FUNCTIONS + "orders/versions?MaxItems=50&Marker=a%2Fb%3D%3D", "", ""),
    ("GET", FUNCTIONS + "orders/aliases?b=2&a=1&FunctionVersion=%24LATEST&a=0", "", ""),
    ("PUT", FUNCTIONS + "orders/configuration", '{"MemorySize":256,"RevisionId":"e-1"}', ""),
    ("POST", FUNCTIONS + "orders/invocations?Qualifier=live", '{"name":"ü"}', "TOKEN/with+signs=="),
    ("DELETE", FUNCTIONS + "a%20name%20with%2Fslash", "", ""),
]


def main() -> None:
    now = {name: mock.Mock(return_value=NOW) for name in ("get_current_datetime",) if hasattr(botocore.auth, name)}
    for method, target, body, token in CASES:
        request = AWSRequest(method, "https://lambda.eu-west-1.amazonaws.com" + target, data=body.encode())
        with mock.patch.multiple(botocore.auth, **now):
            botocore.auth.SigV4Auth(Credentials(*KEYS, token or None), "lambda", "eu-west-1").add_auth(request)
        signature = request.headers["Authorization"].rsplit("=", 1)[1]
        assert request.headers["X-Amz-Date"] == "20150830T123600Z", "this botocore's clock could not be set"
        print(f'{{"{method}", "{target}", R"({body})", "{token}", "{signature}"}},')


if __name__ == "__main__":
    main()
