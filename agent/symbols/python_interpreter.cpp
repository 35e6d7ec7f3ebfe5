#include "agent/symbols/python_interpreter.hpp"

#include <array>
#include <charconv>
#include <vector>

namespace autotune::symbols {

namespace {

std::string_view base_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Py_Version (3.11 on) is PY_VERSION_HEX: 0x030B02F0.
std::optional<unsigned> minor_version(Symbolizer& symbolizer, const ProcessId& process, const Mapping& m,
                                      const ReadMemory& read) {
    if (const auto at = symbolizer.address_of(process, m, "Py_Version")) {
        std::uint64_t version = 0;
        if (read_value(read, *at, version) && version >> 24 == 3) return version >> 16 & 0xFF;
    }
    return python_minor_of_path(m.path);
}

std::optional<PythonInterpreter> interpreter_in(Symbolizer& symbolizer, const ProcessId& process,
                                                const Mapping& m, const ReadMemory& read) {
    const auto runtime = symbolizer.address_of(process, m, "_PyRuntime");
    const auto code_type = symbolizer.address_of(process, m, "PyCode_Type");
    if (!runtime || !code_type) return std::nullopt;
    const auto minor = minor_version(symbolizer, process, m, read);
    const PythonLayout* layout = minor ? python_layout(*minor) : nullptr;
    if (layout == nullptr) return std::nullopt;
    PythonInterpreter found{
        .layout = *layout, .runtime = *runtime, .code_type = *code_type, .module = m.path, .evaluator = {}};
    static const std::string kEvaluator = "_PyEval_EvalFrameDefault";
    found.evaluator[0] = symbolizer.range_of(process, m, kEvaluator).value_or(Symbolizer::Range{});
    found.evaluator[1] = symbolizer.range_of(process, m, kEvaluator + ".cold").value_or(Symbolizer::Range{});
    if (*minor >= 13) {
        std::array<std::byte, kDebugOffsetsSize> head{};
        if (!read(*runtime, head.data(), head.size())) return std::nullopt;
        auto adjusted = with_debug_offsets(*layout, head);
        if (!adjusted) return std::nullopt;
        found.layout = *adjusted;
    }
    return found;
}

}  // namespace

std::optional<unsigned> python_minor_of_path(std::string_view path) {
    std::string_view name = base_name(path);
    const auto at = name.find("python3.");
    if (at == std::string_view::npos) return std::nullopt;
    name.remove_prefix(at + 8);
    unsigned minor = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), minor);
    if (failed != std::errc() || end == name.data()) return std::nullopt;
    return minor;
}

bool PythonInterpreter::is_own(const Mapping& mapping) const {
    return mapping.path == module || base_name(mapping.path).starts_with("python3.");
}

std::optional<PythonInterpreter> find_python(Symbolizer& symbolizer, const ProcessId& process,
                                             const ReadMemory& read) {
    // A copy: looking up symbols may read the mappings again.
    const std::vector<Mapping> mappings = symbolizer.maps(process).mappings();
    // The likely ones first: nobody wants a browser's symbols loaded to see that it is no Python.
    for (const Mapping& m : mappings)
        if (m.has_file() && base_name(m.path).find("python") != std::string_view::npos)
            if (auto found = interpreter_in(symbolizer, process, m, read)) return found;
    // A program with the interpreter inside has another name; it says so by its dynamic symbols.
    if (mappings.empty() || !mappings.front().has_file()) return std::nullopt;
    return interpreter_in(symbolizer, process, mappings.front(), read);
}

}  // namespace autotune::symbols
