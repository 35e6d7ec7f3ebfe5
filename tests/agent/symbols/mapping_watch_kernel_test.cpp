// What the kernel says of mappings, of this very process, and what is believed where it could not say all.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/symbols/mapping_watch.hpp"
#include "os/fd.hpp"

namespace autotune::symbols {
namespace {

class MappingsOfThisProcess : public ::testing::Test {
protected:
    static constexpr std::size_t kBytes = 4096;

    MappingsOfThisProcess()
        : first_(::open(AUTOTUNE_FIRST_LIBRARY, O_RDONLY | O_CLOEXEC)), other_(::open(AUTOTUNE_OTHER_LIBRARY, O_RDONLY | O_CLOEXEC)) {}
    void SetUp() override {
        ASSERT_TRUE(first_ && other_);
        const Status started = watch_.start();
        ASSERT_TRUE(started) << started.error().message;
        place_ = ::mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(place_, MAP_FAILED);
    }
    void TearDown() override { ::munmap(place_, kBytes); }

    void map(const Fd& file) const {
        ASSERT_EQ(::mmap(place_, kBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file.get(), 0), place_);
    }
    // Far more than the kernel can keep until it is heard.
    void map_more_than_is_heard() const {
        for (int i = 0; i < 20'000; ++i) {
            void* const there = ::mmap(nullptr, kBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, first_.get(), 0);
            ASSERT_NE(there, MAP_FAILED);
            ::munmap(there, kBytes);
        }
    }
    // The file that the symbolizer believes to be there.
    std::string there() {
        watch_.catch_up();
        watch_.met(kSelf);
        const Mapping* const found = symbolizer_.maps(kSelf).find(reinterpret_cast<std::uintptr_t>(place_));
        return found == nullptr ? "nothing" : found->path;
    }

    const ProcessId kSelf{.pid = ::getpid(), .start_ns = 0};
    Fd first_, other_;
    Symbolizer symbolizer_;
    int replaced_ = 0;
    MappingWatch watch_{symbolizer_, [this](const ProcessId&) { ++replaced_; }};
    void* place_ = nullptr;
};

TEST_F(MappingsOfThisProcess, AreHeardAsTheyCome) {
    map(first_);
    EXPECT_EQ(there(), AUTOTUNE_FIRST_LIBRARY);
    map(other_);
    EXPECT_EQ(there(), AUTOTUNE_OTHER_LIBRARY);
    EXPECT_EQ(replaced_, 1);
    EXPECT_EQ(watch_.lost(), 0u);
}

TEST_F(MappingsOfThisProcess, AreReadAnewWhereSomeWereNotHeard) {
    map(first_);
    ASSERT_EQ(there(), AUTOTUNE_FIRST_LIBRARY);
    map_more_than_is_heard();
    map(other_);
    EXPECT_EQ(there(), AUTOTUNE_OTHER_LIBRARY);
    EXPECT_GT(watch_.lost(), 0u);
}

TEST_F(MappingsOfThisProcess, AreHeardOfAgainAfterSomeWereNot) {
    map(first_);
    map_more_than_is_heard();
    ASSERT_EQ(there(), AUTOTUNE_FIRST_LIBRARY);
    ASSERT_GT(watch_.lost(), 0u);
    map(other_);
    EXPECT_EQ(there(), AUTOTUNE_OTHER_LIBRARY);
    EXPECT_EQ(replaced_, 1);
}

}  // namespace
}  // namespace autotune::symbols
