// Java sources: whatever they hold, what is read of them can be proposed, and the proposal is whole lines.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rules/java/proposal.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const rules::JavaFile file = rules::read_java({reinterpret_cast<const char*>(data), size});
    for (const rules::Diagnostic& d : file.diagnostics) fuzz::require(d.at.line > 0 && d.at.column > 0, "a mistake has a place");
    if (file.functions.empty()) return 0;
    for (const rules::JavaFunction& f : file.functions)
        fuzz::require(!f.owner.empty() && !f.method.empty() && !f.type.empty(), "a function is a method of a class");
    const auto files = rules::propose_functions(file, "src/A.java");
    fuzz::require(files.size() == file.functions.size() + 1, "a handler for each, and a template");
    fuzz::require(rules::patch_of(files).ends_with('\n'), "a patch ends in a line");
    return 0;
}
