// Lets the kernel run an iterator's program (SEC("iter/task")) over all threads.
#pragma once

#include <string>

#include "core/result.hpp"

struct bpf_program;

namespace autotune::symbols {

// What the program writes (bpf_seq_write). REQUIRES: loaded. Errors: what the kernel says.
[[nodiscard]] Result<std::string> run_over_threads(const bpf_program* program);

}  // namespace autotune::symbols
