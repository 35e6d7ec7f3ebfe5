// Names of this machine's system calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace autotune::render {

// "openat"; "syscall 9999" for numbers without a name, or of another `machine` ("aarch64") than this one.
[[nodiscard]] std::string syscall_name(std::uint32_t number, std::string_view machine);

}  // namespace autotune::render
