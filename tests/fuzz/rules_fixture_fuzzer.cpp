// A file of tests of any bytes has tests or at least one error; what it has can be run.
#include "rules/fixture/fixture.hpp"
#include "rules/yaml/load.hpp"
#include "tests/fuzz/invariant.hpp"

namespace rules = autotune::rules;
using autotune::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const rules::RuleSet some = *rules::load(R"(
version: 1
rules:
- {name: a, when: fn.errors > 0, for: 1m, plan: [{resize: {}}, {notify: {}}]}
- {name: b, when: dep.error_rate > 0.5, plan: [{notify: {}}], effect: freeze-dependents}
)",
                                                    "rules.yaml")
                                            .rules;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const rules::LoadedFixture loaded = rules::load_fixture(text);
    require(loaded.fixture.has_value() != rules::has_errors(loaded.diagnostics),
            "tests exactly when no error");
    if (!loaded.fixture) return 0;
    for (const rules::FixtureTest& test : loaded.fixture->tests)
        if (test.expect.empty() || test.expect.back().at / test.every < 100)
            for (const rules::Diagnostic& d : rules::run(test, some))
                require(!d.message.empty(), "it says what");
    return 0;
}
