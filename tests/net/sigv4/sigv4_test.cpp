// Signatures against two judges: AWS's published Signature Version 4 test suite (aws-sig-v4-test-suite,
// also kept in botocore's tests), and botocore itself for what the suite does not have (make_vectors.py).
#include "net/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// 2015-08-30T12:36:00Z, the suite's only moment.
WallTime then() {
    using namespace std::chrono;
    return WallTime(sys_days(2015y / August / 30) + hours(12) + minutes(36));
}

AwsCredentials keys(const std::string& token = "") {
    return {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token};
}

std::string sign(HttpRequest& request, const std::string& token = "") {
    EXPECT_TRUE(sign_sigv4(request, "example.amazonaws.com", keys(token),
                           {.region = "us-east-1", .service = "service", .at = then()}));
    return std::string(request.headers.get("Authorization"));
}

struct SuiteCase {
    const char* name;
    HttpRequest request;
    const char* signature;
    std::string token = {};
};

const std::string kUnreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::vector<SuiteCase> suite() {
    return {
        {"get-vanilla", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-vanilla-empty-query-key",
         {.target = "/?Param1=value1"},
         "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        {"get-vanilla-query-order-key-case",
         {.target = "/?Param2=value2&Param1=value1"},
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"get-vanilla-query-order-key",
         {.target = "/?Param1=value2&Param1=Value1"},
         "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
        {"get-vanilla-query-order-value",
         {.target = "/?Param1=value2&Param1=value1"},
         "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
        {"get-vanilla-query-order-encoded",
         {.target = "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1"},
         "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
        {"get-vanilla-query-unreserved",
         {.target = "/?" + kUnreserved + "=" + kUnreserved},
         "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
        {"get-vanilla-utf8-query",
         {.target = "/?ሴ=bar"},
         "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        {"get-vanilla-with-session-token",
         {},
         "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
         "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"},
        {"get-unreserved",
         {.target = "/" + kUnreserved},
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        {"get-utf8", {.target = "/ሴ"}, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"get-header-key-duplicate",
         {.headers = {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}},
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        {"get-header-value-order",
         {.headers = {{"My-Header1", "value4"},
                      {"My-Header1", "value1"},
                      {"My-Header1", "value3"},
                      {"My-Header1", "value2"}}},
         "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
        {"get-header-value-trim",
         {.headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}},
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        {"post-vanilla",
         {.method = "POST"},
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"post-vanilla-query",
         {.method = "POST", .target = "/?Param1=value1"},
         "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
        {"post-header-value-case",
         {.method = "POST", .headers = {{"My-Header1", "VALUE1"}}},
         "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
        {"post-x-www-form-urlencoded",
         {.method = "POST",
          .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
          .body = "Param1=value1"},
         "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        {"get-relative",
         {.target = "/example/.."},
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-relative-relative",
         {.target = "/example1/example2/../.."},
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-slash", {.target = "//"}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-slash-dot-slash",
         {.target = "/./"},
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-slash-pointless-dot",
         {.target = "/./example"},
         "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
        {"get-slashes",
         {.target = "//example//"},
         "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
        {"get-space",
         {.target = "/example space/"},
         "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        {"get-special-character",
         {.target = "/example/$delete"},
         "a853c9b21b528b19643d00910d35b83a10c366a10833ceefb45edd6c80e40f27"},
    };
}

TEST(SigV4, AgreesWithThePublishedSuite) {
    for (SuiteCase& c : suite())
        EXPECT_THAT(sign(c.request, c.token), EndsWith("Signature=" + std::string(c.signature))) << c.name;
}

TEST(SigV4, SaysWhatItSignedAndBy) {
    HttpRequest request{.headers = {{"My-Header1", "x"}}};
    EXPECT_THAT(sign(request),
                HasSubstr("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                          "SignedHeaders=host;my-header1;x-amz-date, Signature="));
    EXPECT_EQ(request.headers.get("X-Amz-Date"), "20150830T123600Z");
    EXPECT_EQ(request.headers.get("Host"), "example.amazonaws.com");
}

struct LambdaCase {
    const char* method;
    const char* target;
    const char* body;
    const char* token;
    const char* signature;
};
constexpr LambdaCase kLambda[] = {
    {"GET", "/2015-03-31/functions/", R"()", "",
     "87d32cf49bc8a664e5f34ccbc94c4b500902e9d3c0d38c27365ad9a0c124292b"},
    {"GET", "/2015-03-31/functions/orders?Qualifier=7", R"()", "",
     "3f2a50301ad25d2ee64ff4c14002aef6417f97b14ad2ec216fce67ee824c4839"},
    {"GET", "/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:orders", R"()", "",
     "cb980dc4815be69bf34af19f00e522103d78dcfbf8a6f9263638f160cc483553"},
    {"GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aorders", R"()",
     "", "753e90a030d944455eeb79a9ed760eaa8791a04904eea078e4383b7382d3034a"},
    {"GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aorders", R"()",
     "TOKEN/with+signs==", "06721150f98487ffd50911a7ff6f8d469ddfaaddff7157664321350d32f7c794"},
    {"GET", "/2015-03-31/functions/orders/versions?MaxItems=50&Marker=a%2Fb%3D%3D", R"()", "",
     "37e7f775f855189bfba034da161069e18d2f5acd5709831758ce6f852149e2dd"},
    {"GET", "/2015-03-31/functions/orders/aliases?b=2&a=1&FunctionVersion=%24LATEST&a=0", R"()", "",
     "3fbd2b1914cd3e4e03a904115805c80d913bd12ada79f43ffade85aa010cd5f6"},
    {"PUT", "/2015-03-31/functions/orders/configuration", R"({"MemorySize":256,"RevisionId":"e-1"})", "",
     "390d05f4f8fdbf0598f7b20c6412dcff919a1597111575e0ff7a1c2d871c686c"},
    {"POST", "/2015-03-31/functions/orders/invocations?Qualifier=live", R"({"name":"ü"})",
     "TOKEN/with+signs==", "fbbe16c44e3d8c85ee7e378015a513f0aaf342c4d5b64552b443ff1ec5f13e0e"},
    {"DELETE", "/2015-03-31/functions/a%20name%20with%2Fslash", R"()", "",
     "5f012f29ad7d8cc90e91c2aa30f92bc2a6984b087b97834a847975905d0d1b38"},
};

TEST(SigV4, AgreesWithBotocoreOnLambda) {
    for (const LambdaCase& c : kLambda) {
        HttpRequest request{.method = c.method, .target = c.target, .headers = {}, .body = c.body};
        ASSERT_TRUE(sign_sigv4(request, "lambda.eu-west-1.amazonaws.com", keys(c.token),
                               {.region = "eu-west-1", .service = "lambda", .at = then()}));
        EXPECT_THAT(std::string(request.headers.get("Authorization")),
                    EndsWith("Signature=" + std::string(c.signature)))
            << c.method << " " << c.target;
    }
}

TEST(SigV4, EncodesAColonOnceAndAnEncodedColonTwice) {
    EXPECT_THAT(canonical_request({.target = "/f/a:b"}, "lambda"), HasSubstr("\n/f/a%3Ab\n"));
    EXPECT_THAT(canonical_request({.target = "/f/a%3Ab"}, "lambda"), HasSubstr("\n/f/a%253Ab\n"));
    EXPECT_THAT(canonical_request({.target = "/f/a%3Ab"}, "s3"), HasSubstr("\n/f/a%3Ab\n"));
    EXPECT_THAT(canonical_request({.target = "/f//../x"}, "s3"), HasSubstr("\n/f//../x\n"));
}

TEST(SigV4, LeavesOutWhatProxiesChange) {
    HttpRequest plain;
    HttpRequest busy{.headers = {{"User-Agent", "x"}, {"Connection", "close"}, {"Expect", "100-continue"}}};
    EXPECT_EQ(sign(plain), sign(busy));
}

TEST(SigV4, SignsAgainAsIfForTheFirstTime) {
    HttpRequest request;
    const std::string first = sign(request);
    EXPECT_EQ(sign(request), first);
}

TEST(SigV4, CoversMethodPathQueryFieldsAndBody) {
    const auto signature_of = [](HttpRequest request) { return sign(request); };
    const HttpRequest base{.method = "PUT", .target = "/a?b=c", .headers = {{"X", "y"}}, .body = "z"};
    const std::string signature = signature_of(base);
    for (const auto change :
         {+[](HttpRequest& r) { r.method = "POST"; }, +[](HttpRequest& r) { r.target = "/A?b=c"; },
          +[](HttpRequest& r) { r.target = "/a?b=d"; }, +[](HttpRequest& r) { r.headers.set("X", "z"); },
          +[](HttpRequest& r) { r.body = "Z"; }}) {
        HttpRequest other = base;
        change(other);
        EXPECT_NE(signature_of(other), signature);
    }
}

}  // namespace
}  // namespace autotune::net
