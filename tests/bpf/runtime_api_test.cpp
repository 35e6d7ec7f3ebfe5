#include "bpf/logic/runtime_api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace {

at_request recognise(std::string_view text) {
    std::array<char, AT_REQUEST_PREFIX> prefix{};
    std::copy_n(text.begin(), std::min(text.size(), prefix.size()), prefix.begin());
    return at_recognise_request(prefix.data());
}

TEST(RuntimeApiRequest, IsRecognisedByItsFirstBytes) {
    EXPECT_EQ(recognise("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"), AT_REQUEST_NEXT);
    EXPECT_EQ(recognise("POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8/response HTTP/1.1"),
              AT_REQUEST_INVOCATION);
    EXPECT_EQ(recognise("POST /2018-06-01/runtime/init/error HTTP/1.1"), AT_REQUEST_INIT_ERROR);
    EXPECT_EQ(recognise("POST /2018-06-01/runtime/restore/error HTTP/1.1"), AT_REQUEST_OTHER);
    EXPECT_EQ(recognise("GET /2018-06-01/runtime/restore/next HTTP/1.1\r\n"), AT_REQUEST_OTHER);
}

TEST(RuntimeApiRequest, IsNotSeenInOtherTraffic) {
    for (const char* text : {"", "GET / HTTP/1.1", "GET /2018-06-01/runtim", "POST /2018-06-01/runtime",
                             "PUT /2018-06-01/runtime/invocation/next HTTP/1.1",
                             "get /2018-06-01/runtime/invocation/next HTTP/1.1",
                             " GET /2018-06-01/runtime/invocation/next HTTP/1.1", "HTTP/1.1 200 OK"})
        EXPECT_EQ(recognise(text), AT_REQUEST_NONE) << text;
}

}  // namespace
