// Any text compiles or is refused with a reason; what compiles has a value, an error or is unknown, which
// comes back from its JSON as it was; what the checker found of its type holds.
#include "rules/cel/json.hpp"
#include "rules/cel/program.hpp"
#include "tests/fuzz/invariant.hpp"

namespace cel = autotune::cel;
using autotune::fuzz::require;

namespace {

const std::vector<std::pair<cel::Variable, cel::Value>>& variables() {
    using V = cel::Value;
    const auto integer = [](std::int64_t i) { return V(i); };
    static const std::vector<std::pair<cel::Variable, V>> all{
        {{"u", cel::Kind::dyn}, cel::Unknown{"u"}},
        {{"i", cel::Kind::integer}, integer(INT64_MIN)},
        {{"s", cel::Kind::text}, V(std::string("h\u00e9\xff\0llo", 9))},
        {{"l", cel::Type::list_of(cel::Kind::integer)}, V::list({integer(3), integer(-1)})},
        {{"m", cel::Type::map_of(cel::Kind::text, cel::Kind::dyn)},
         cel::Map::make({{V(std::string("a")), V(0.5)}, {V(std::string("b")), V::list({V()})}})},
        {{"t.x", cel::Kind::timestamp}, V(cel::Instant{cel::kFirstSecond, 999'999'999})},
        {{"d.x", cel::Kind::duration}, V(autotune::Nanos::min())},
    };
    return all;
}

cel::Environment environment() {
    cel::Environment out;
    for (const auto& [variable, value] : variables()) out.variables.push_back(variable);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const cel::Environment names = environment();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto checking : {cel::Checking::full, cel::Checking::none}) {
        const cel::Compilation compiled = cel::compile(text, names, checking);
        require((compiled.program == nullptr) != compiled.issues.empty(), "a program exactly when no issue");
        for (const cel::Issue& issue : compiled.issues)
            require(issue.offset <= size && !issue.message.empty(), "the issue is inside the text");
        if (!compiled.program) continue;
        for (const std::size_t v : compiled.program->variables())
            require(v < names.variables.size(), "the variable exists");
        const auto lookup = [](std::size_t i) { return variables()[i].second; };
        const cel::Value value = compiled.program->evaluate(lookup);
        if (!value.usable()) continue;
        const cel::Type& type = compiled.program->type();
        if (checking == cel::Checking::full)
            require(agree(type, value.kind()) || type.kind == value.kind(), "the type holds");
        const std::string json = cel::to_json(value);
        const auto again = cel::from_json(json);
        require(again.has_value() && cel::to_json(*again) == json, "a value comes back from its JSON");
    }
    return 0;
}
