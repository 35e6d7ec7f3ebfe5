#include "core/black_box.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

ProfileFrame python(const char* file, std::uint32_t line) {
    return {.name = "f", .file = file, .line = line, .kind = FrameKind::python};
}
ProfileFrame native(const char* name, const char* module, const char* file = "", std::uint32_t line = 0) {
    return {.name = name, .module = module, .file = file, .line = line, .kind = FrameKind::native};
}

TEST(Culprit, IsTheInnermostFrameOfTheProgramItself) {
    const BlackBox box{.culprit_thread = 7,
                       .threads = {{.id = 6, .frames = {native("other", "/srv/app")}},
                                   {.id = 7,
                                    .frames = {native("memset", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
                                               native("bytes_new", "/usr/bin/python3.11"),
                                               python("<frozen importlib._bootstrap>", 1),
                                               python("/usr/lib/python3.11/json/decoder.py", 3),
                                               python("/srv/handler.py", 12), python("/srv/handler.py", 40)}}}};
    ASSERT_NE(culprit_of(box), nullptr);
    EXPECT_EQ(describe_place(culprit_of(box)), "/srv/handler.py:12 in f");
}

TEST(Culprit, IsTheInnermostWhereNothingIsTheProgramsOwn) {
    const BlackBox box{.culprit_thread = 1, .threads = {{.id = 1, .frames = {native("read", "/lib/libc.so"), native("", "/bin/sh")}}}};
    EXPECT_EQ(describe_place(culprit_of(box)), "read in /lib/libc.so");
}

TEST(Culprit, IsNobodyWithoutAStack) {
    EXPECT_EQ(culprit_of({}), nullptr);
    EXPECT_EQ(describe_place(nullptr), "");
    EXPECT_EQ(culprit_of({.culprit_thread = 1, .threads = {{.id = 1}}}), nullptr);
}

TEST(Culprit, OfNativeCodeHasItsLine) {
    const ProfileFrame frame = native("grow", "/srv/bootstrap", "/src/grow.c", 9);
    EXPECT_EQ(describe_place(&frame), "/src/grow.c:9 in grow");
}

}  // namespace
}  // namespace autotune
