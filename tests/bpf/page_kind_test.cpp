// The kernel's own combinations of what it asks for pages with, of 6.1 and of 6.18.
#include "bpf/logic/page_kind.h"

#include <gtest/gtest.h>

namespace autotune {
namespace {

// include/linux/gfp_types.h
constexpr unsigned kHighUserMovable = 0x100cca, kZero = 0x100, kWrite = 0x1000, kNoWarn = 0x2000, kNoRetry = 0x10000,
                   kComp = 0x40000, kNoMemAlloc = 0x80000, kThisNode = 0x200000, kReclaim = 0xc00;
constexpr unsigned kHuge = (kHighUserMovable | kComp | kNoMemAlloc | kNoWarn) & ~kReclaim;

TEST(PageKind, AnonymousPagesAreTheProcesssOwn) {
    EXPECT_TRUE(at_is_own_memory(kHighUserMovable | kZero, 0));          // first touch
    EXPECT_TRUE(at_is_own_memory(kHighUserMovable, 0));                  // a copy on write
    EXPECT_TRUE(at_is_own_memory(kHuge, 9));                             // a huge page
    EXPECT_TRUE(at_is_own_memory(kHuge | kReclaim | kNoRetry, 9));       // … that may fail
    EXPECT_TRUE(at_is_own_memory(kHuge | kThisNode | kNoRetry, 9));      // … of this node
    EXPECT_TRUE(at_is_own_memory(kHuge | kReclaim | kNoRetry, 4));       // a large folio
}

TEST(PageKind, ThePageCacheIsNot) {
    EXPECT_FALSE(at_is_own_memory(kHighUserMovable | kNoRetry | kNoWarn, 0));          // read ahead
    EXPECT_FALSE(at_is_own_memory(kHighUserMovable | kNoRetry | kNoWarn | kComp, 4));  // … a large folio
    EXPECT_FALSE(at_is_own_memory(kHighUserMovable | kWrite, 0));                      // to be written
}

TEST(PageKind, NorIsTheKernelsMemoryNorAPageThatMoves) {
    EXPECT_FALSE(at_is_own_memory(0xcc0, 0));  // GFP_KERNEL
    EXPECT_FALSE(at_is_own_memory(0x100cc2 | 0x400000, 0));  // a pipe's
    EXPECT_FALSE(at_is_own_memory((kHighUserMovable | kThisNode | kNoMemAlloc | kNoRetry | kNoWarn) & ~kReclaim, 0));
}

}  // namespace
}  // namespace autotune
