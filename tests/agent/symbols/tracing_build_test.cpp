#include "agent/symbols/tracing_build.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "os/fd.hpp"
#include "os/file.hpp"

namespace autotune::symbols {
namespace {

TracingBuild of(const std::string& name) {
    const Fd file(open((std::string(TRACING_BUILDS) + "/built_" + name).c_str(), O_RDONLY | O_CLOEXEC));
    const auto build = tracing_build(file.get());
    EXPECT_TRUE(build.has_value()) << name;
    return build ? *build : TracingBuild{};
}

TEST(TracingBuild, OfAPlainProgramIsNone) {
    EXPECT_FALSE(of("plain").any());
    EXPECT_FALSE(of("plain").is_static);
}

TEST(TracingBuild, HooksAreSeenAlsoWhenStripped) {
    EXPECT_TRUE(of("hooks").hooks);
    EXPECT_FALSE(of("hooks").patchable);
    EXPECT_TRUE(of("hooks").reachable());
    EXPECT_TRUE(of("hooks_stripped").reachable());
}

TEST(TracingBuild, PlacesToPatchAreSeenAlsoWhenStripped) {
    EXPECT_TRUE(of("patchable").patchable);
    EXPECT_FALSE(of("patchable").hooks);
    EXPECT_TRUE(of("patchable").reachable());
    EXPECT_TRUE(of("patchable_stripped").reachable());
}

TEST(TracingBuild, AStaticProgramWasBuiltForItAndCannotBeReached) {
    for (const char* name : {"hooks_static", "patchable_static"}) {
        EXPECT_TRUE(of(name).any()) << name;
        EXPECT_TRUE(of(name).is_static) << name;
        EXPECT_FALSE(of(name).reachable()) << name;
    }
}

TEST(TracingBuild, WhatIsNoElfFileOrIsCutShortIsAnError) {
    EXPECT_EQ(tracing_build("#!/bin/sh\n").error().code, Errc::corrupt);
    EXPECT_EQ(tracing_build("").error().code, Errc::corrupt);
    const auto whole = read_file(std::string(TRACING_BUILDS) + "/built_hooks");
    ASSERT_TRUE(whole.has_value());
    for (std::size_t size = 0; size < 4096; size += 7) {
        const auto cut = tracing_build(std::string_view(*whole).substr(0, size));
        EXPECT_FALSE(cut && cut->any()) << size;
    }
}

}  // namespace
}  // namespace autotune::symbols
