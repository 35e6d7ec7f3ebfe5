// autotune doctor [--json]: says what works here, what does not, and how to get it.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace autotune::cli {

// `arguments`: what follows the word "doctor". Returns the exit status: 0 the eBPF backend works, 3
// something that it needs is missing, 2 usage.
[[nodiscard]] int doctor_command(std::span<const std::string> arguments, std::ostream& out,
                                 std::ostream& err);

}  // namespace autotune::cli
