// An executor that is a few lines of Python, and the invocations that it is given.
#pragma once

namespace autotune::test {

inline constexpr const char* kFirst = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
inline constexpr const char* kSecond = "b3f1c0de-0000-4000-8000-2dfe598c3fcd";

// An executor of Python's standard library: two invocations, a good and a bad one, 30 ms each.
inline constexpr const char* kPythonExecutor = R"(
import http.client, os, time
c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
base = "/2018-06-01/runtime/invocation/"
for verb, body in (("response", b"x" * 1234), ("error", b"{}")):
    c.request("GET", base + "next")
    r = c.getresponse()
    r.read()
    open("/dev/null", "w").write("work")
    time.sleep(0.03)
    headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.Oops"} if verb == "error" else {}
    c.request("POST", base + r.headers["Lambda-Runtime-Aws-Request-Id"] + "/" + verb, body, headers)
    c.getresponse().read()
)";

}  // namespace autotune::test
