// Machine code as tests write it: code({0xf3, 0x0f, 0x1e, 0xfa}).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace autotune::native {

inline std::vector<std::byte> code(std::initializer_list<int> bytes) {
    std::vector<std::byte> all;
    for (const int b : bytes) all.push_back(static_cast<std::byte>(b));
    return all;
}

}  // namespace autotune::native
