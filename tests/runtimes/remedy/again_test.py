#!/usr/bin/env python3
"""How the wrapper invokes its function again: signed, with patience, and not more than Lambda takes."""
import unittest

from world import Clock  # first: it says where the wrapper is
from autotune_remedy import again


SIGNED = ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-west-1/lambda/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
          "Signature=07b0d28e17b303f1442b1b1cd0fdfb5143d0b9e38dc6b392ab1facf7f4c92238")


class Again(unittest.TestCase):
    def test_the_signature_is_that_of_an_independent_signer(self):
        # Worked out with botocore's SigV4Auth for the same request.
        env = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
               "AWS_SESSION_TOKEN": "token", "AWS_REGION": "eu-west-1"}
        headers = again.signed("lambda.eu-west-1.amazonaws.com", "/2015-03-31/functions/shop/invocations", "Qualifier=%24LATEST",
                               b'{"a":1}', env, 1700000000)
        self.assertEqual(headers["authorization"], SIGNED)

    def test_no_capacity_is_waited_for(self):
        clock, asked = Clock(), []

        def call(event, left, wait):
            asked.append(left)
            if len(asked) < 3:
                raise OSError("HTTP 429 slow down")
            return "done"

        ask = again.Throttled(clock() + 10, call, clock, lambda s: setattr(clock, "now", clock.now + s))
        self.assertEqual(ask({}), "done")
        self.assertEqual([round(10 - left, 3) for left in asked], [0, 0.1, 0.3])
        with self.assertRaises(OSError):
            again.Throttled(clock(), lambda *a: (_ for _ in ()).throw(OSError("HTTP 429")), clock)({})

    def test_too_much_is_told_before_it_is_sent(self):
        env = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1"}
        with self.assertRaisesRegex(ValueError, "too many to be handed"):
            again.invoke({"a": "x" * 300000}, 1, wait=False, env=env)


if __name__ == "__main__":
    unittest.main(verbosity=2)
