// Where CI is set in the environment a skipped test fails: what CI is there to see must not be passed over in
// silence. A reason that begins with "optional:" may be given everywhere: it names something that the
// machines we support need not have (another project's checker, its test cases, a newer kernel).
//
// Linked into every autotune_test program, which needs to do nothing; this header is for its own test.
#pragma once

#include <string_view>

namespace autotune::test {

// `ci`: the value of CI, null where it is not set.
[[nodiscard]] bool may_skip(std::string_view reason, const char* ci);

}  // namespace autotune::test
