#include "os/file_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "os/file.hpp"
#include "os/pidfd.hpp"
#include "os/process.hpp"

namespace autotune {
namespace {

TEST(FileLimit, IsRaisedHereAndAsItWasInChildren) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit tight{.rlim_cur = 100, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    raise_file_limit();
    rlimit now{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
    EXPECT_EQ(now.rlim_cur, before.rlim_max);

    Pipe pipe = make_pipe().value();
    const auto child = spawn({.argv = {"/bin/sh", "-c", "ulimit -Sn"}, .output = pipe.write.get()});
    ASSERT_TRUE(child) << child.error().message;
    pipe.write.close();
    std::string text;
    char piece[256];
    for (ssize_t n = 0; (n = ::read(pipe.read.get(), piece, sizeof piece)) > 0;) text.append(piece, static_cast<std::size_t>(n));
    EXPECT_EQ(text, "100\n");
    while (!reap(child->pidfd).value()) ::usleep(1000);
}

}  // namespace
}  // namespace autotune
