#include "runtimes/libraries.hpp"

// The assembler puts the file's bytes where constants are.
#define AUTOTUNE_EMBED(name, file)                                              \
    __asm__(".pushsection .rodata\n"                                            \
            ".balign 16\n" #name "_begin:\n"                                    \
            ".incbin \"" file "\"\n" #name "_end:\n"                            \
            ".popsection\n");                                                   \
    extern "C" const char name##_begin[] __attribute__((visibility("hidden"))); \
    extern "C" const char name##_end[] __attribute__((visibility("hidden")))

AUTOTUNE_EMBED(autotune_native, autotune_native_file);
AUTOTUNE_EMBED(autotune_python, autotune_python_file);

namespace autotune::runtimes {

std::string_view native_library() {
    return {autotune_native_begin, static_cast<std::size_t>(autotune_native_end - autotune_native_begin)};
}

std::string_view python_library() {
    return {autotune_python_begin, static_cast<std::size_t>(autotune_python_end - autotune_python_begin)};
}

}  // namespace autotune::runtimes
