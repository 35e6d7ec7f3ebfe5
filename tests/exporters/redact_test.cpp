#include "exporters/redact.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune::exporters {
namespace {

TEST(Redacted, HidesWhatLooksLikeASecret) {
    const std::string key = "AKIA" + std::string("ABCDEFGHIJKLMNOP");
    for (const auto& [text, shown] : std::vector<std::pair<std::string, std::string>>{
             {"key " + key + " is", "key … is"},
             {"https://b.s3/x?X-Amz-Signature=ab12&X-Amz-Credential=c%2Fd&a=1", "https://b.s3/x?X-Amz-Signature=…&X-Amz-Credential=…&a=1"},
             {"postgres://app:hunter2@db:5432/x", "postgres://…@db:5432/x"},
             {"Authorization: Bearer abcdef123456", "Authorization: Bearer …"},
             {"token ghp_" + std::string(36, 'a'), "token …"},
             {"xoxb-1234-5678-abcdef", "…"},
             {"POST https://hooks.slack.com/services/T0/B0/xyz failed", "POST https://hooks.slack.com/… failed"},
             {"{\"DB_PASSWORD\": \"hunter2\", \"a\": 1}", "{\"DB_PASSWORD\": \"…\", \"a\": 1}"},
             {"aws_secret_access_key=abc/def", "aws_secret_access_key=…"},
             {"X-Api-Key: abc", "X-Api-Key: …"},
             {"?api-key=abc&a=1", "?api-key=…&a=1"},
             {"your secret access key: abc/def is", "your secret access key: … is"},
             {"DB_PWD=hunter2 a=1", "DB_PWD=… a=1"},
             {"password: \"correct horse\", a: 1", "password: \"…\", a: 1"},
             {"password='correct horse' a=1", "password='…' a=1"},
             {R"({"token": "a\"b c", "a": 1})", R"({"token": "…", "a": 1})"},
             {"secret=\"not closed, so all", "secret=\"…"},
             {R"({"body": "{\"password\": \"hunter2\", \"a\": 1}"})", R"({"body": "{\"password\": \"…\", \"a\": 1}"})"},
             {R"("{\"token\":\"a\\\"b\\n\u00e9 \\\\\",\"a\":1}")", R"("{\"token\":\"…\",\"a\":1}")"},
             {R"("\"{\\\"secret\\\": \\\"hunter2\\\"}\"")", R"("\"{\\\"secret\\\": \\\"…"}\"")"},
             {"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----.", "…."}})
        EXPECT_EQ(redacted(text), shown);
}

TEST(Redacted, LeavesAllElse) {
    for (const char* text : {"", "3 of 20 invocations ran out of memory", "https://example.org/oom?team=a", "dep api:443 refused",
                             "the token bucket is empty", "bad\xff name", "fn.p95 = 1.5s"})
        EXPECT_EQ(redacted(text), text);
}

}  // namespace
}  // namespace autotune::exporters
