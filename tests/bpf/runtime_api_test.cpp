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

bool may_become(std::string_view text) {
    std::array<char, AT_REQUEST_PREFIX> prefix{};
    std::copy_n(text.begin(), std::min(text.size(), prefix.size()), prefix.begin());
    return at_may_become_request(prefix.data(), static_cast<unsigned>(text.size())) != 0;
}

TEST(RuntimeApiRequest, MayBeCutAnywhereBehindItsBeginning) {
    constexpr std::string_view get = "GET /2018-06-01/runtime/invocation/next HTTP/1.1";
    constexpr std::string_view post = "POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8/response";
    for (std::size_t n = 0; n < get.size(); ++n) {
        const bool is_open = n >= AT_REQUEST_BEGINNING && n < AT_REQUEST_PREFIX;
        EXPECT_EQ(may_become(get.substr(0, n)), is_open) << n;
        EXPECT_EQ(may_become(post.substr(0, n)), is_open) << n;
    }
}

TEST(RuntimeApiRequest, IsNotAwaitedInOtherTraffic) {
    for (const char* text :
         {"GET /201x", "GET /2018-06-01/else", "POST /2018-06-01/runtimes", "PUT /2018-06-01/"})
        EXPECT_FALSE(may_become(text)) << text;
}

}  // namespace
