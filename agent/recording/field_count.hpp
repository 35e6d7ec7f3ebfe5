// field_count<T>: how many members an aggregate has, so that a format notices a member it does not know.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace autotune::recording {

struct AnyValue {
    template <class T>
    constexpr operator T() const noexcept;  // NOLINT: implicit, and never called
};

template <class T, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
    return requires { T{(void(I), AnyValue{})...}; };
}

template <class T, std::size_t N = 0>
consteval std::size_t count_fields() {
    static_assert(std::is_aggregate_v<T>);
    if constexpr (!takes<T>(std::make_index_sequence<N + 1>{}))
        return N;
    else
        return count_fields<T, N + 1>();
}

template <class T>
inline constexpr std::size_t field_count = count_fields<T>();

}  // namespace autotune::recording
