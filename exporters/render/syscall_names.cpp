#include "exporters/render/syscall_names.hpp"

#include <algorithm>
#include <array>

namespace autotune::render {

namespace {

struct Name {
    std::uint32_t number;
    std::string_view text;
};
constexpr Name kNames[] = {
#include "exporters/render/syscall_list.inc"
};

#if defined(__x86_64__)
constexpr std::string_view kMachine = "x86_64";
#elif defined(__aarch64__)
constexpr std::string_view kMachine = "aarch64";
#else
constexpr std::string_view kMachine = "";
#endif

}  // namespace

std::string syscall_name(std::uint32_t number, std::string_view machine) {
    const auto* known = std::lower_bound(std::begin(kNames), std::end(kNames), number,
                                         [](const Name& name, std::uint32_t wanted) { return name.number < wanted; });
    if (machine == kMachine && known != std::end(kNames) && known->number == number)
        return std::string(known->text);
    return "syscall " + std::to_string(number);
}

}  // namespace autotune::render
