// autotune rules test: facts over time against what is planned.
#pragma once

#include <string>
#include <vector>

namespace autotune::cli {

struct TestRequest {
    std::vector<std::string> files;
    bool json = false;
};

// A line for each test on stdout, what came otherwise than expected on stderr as file:line:column: message.
// kDone when all pass, kFailed when one does not, kUsage when a file cannot be read.
[[nodiscard]] int rules_test(const TestRequest& request);

}  // namespace autotune::cli
