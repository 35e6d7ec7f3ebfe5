// What somebody wants to see of a native program, as they write it. Pure.
//
//     BIN:GLOB                    calls of the functions whose names match: ./app:main, libpng16.so:png_*
//     BIN:GLOB(arg1, str arg2)    and these arguments at each call
//     BIN:FILE:LINE               calls of the function that has this line: ./app:src/a.c:42
//     BIN:GLOB EXPRESSION, …      a watch: values at each call, no calls
//     BIN:FILE:LINE EXPRESSION, … a watch: values whenever the line is reached
//
// An expression is [TYPE] argN (N from 1 to 6) or [TYPE] NAME, a variable of the same file. TYPE is one of
// char, short, int, long, uchar, ushort, uint, ulong, ptr, str; without it an argument is a long, and a
// variable a signed number of its own size. `str` of an argument is what it points to; of a variable that is
// an array, its own bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace autotune::native {

enum class ValueType : std::uint8_t { by_size, i8, i16, i32, i64, u8, u16, u32, u64, pointer, text };

struct ValueWish {
    std::string text;            // as it was written: what the VariableSeen event is called
    std::uint32_t argument = 0;  // from 1; 0: a variable
    std::string variable;
    ValueType type = ValueType::by_size;
};

struct NativeTarget {
    std::string text;    // as it was written
    std::string binary;  // a path, or a name to be looked for
    std::string glob;    // of functions; empty: by file and line
    std::string file;
    std::uint32_t line = 0;
    std::vector<ValueWish> values;
};

// A target without or with arguments in brackets. Errors: invalid_argument, with what is wrong.
[[nodiscard]] Result<NativeTarget> parse_native_target(std::string_view text);

// A place, a blank, expressions. Errors: invalid_argument.
[[nodiscard]] Result<NativeTarget> parse_native_watch(std::string_view text);

}  // namespace autotune::native
