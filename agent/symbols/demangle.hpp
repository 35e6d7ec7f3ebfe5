// demangle: a linker's name to the one in the source: C++ (Itanium ABI) and Rust (legacy and v0). Pure.
#pragma once

#include <string>
#include <string_view>

namespace autotune::symbols {

// "_ZN3foo3barEv" to "foo::bar()", "_RNvC4core3bar" to "core::bar"; anything else unchanged. Bounded, whatever it is
// given: a name may refer to its own parts, so that a short one stands for one without end; such stay as they are.
[[nodiscard]] std::string demangle(std::string_view mangled);

}  // namespace autotune::symbols
