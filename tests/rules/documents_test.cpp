// What is written about rules is true: the reference's tables, and the examples.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "rules/fixture/fixture.hpp"
#include "rules/yaml/load.hpp"

namespace autotune::rules {
namespace {

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path);
    EXPECT_TRUE(in) << path;
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

const std::filesystem::path kSource = AUTOTUNE_SOURCE_DIR;

std::string cel_name(FactType type) {
    switch (type) {
        case FactType::boolean: return "bool";
        case FactType::integer: return "int";
        case FactType::number: return "double";
        case FactType::text: return "string";
        case FactType::duration: return "duration";
    }
    return "";
}

// Rows of the reference that begin with "| `fn.", "| `dep." or "| `slo.".
std::map<std::string, std::string> documented_facts() {
    std::map<std::string, std::string> rows;
    std::istringstream in(read(kSource / "docs" / "rules.md"));
    for (std::string line; std::getline(in, line);)
        for (const char* prefix : {"| `fn.", "| `dep.", "| `slo."})
            if (line.starts_with(prefix)) rows[line.substr(3, line.find('`', 3) - 3)] = line;
    return rows;
}

TEST(Reference, ListsEveryFactAsTheCatalogueSaysIt) {
    auto rows = documented_facts();
    for (const FactInfo& f : fact_catalogue()) {
        const std::string name(f.name);
        EXPECT_EQ(rows[name], "| `" + name + "` | " + cel_name(f.type) + " | " + std::string(f.unit) + " | " +
                                  std::string(f.help) + " |");
        rows.erase(name);
    }
    for (const SloInfo& s : slo_catalogue()) {
        const std::string name(s.name);
        const char* unit = s.type == FactType::duration ? "s" : "1";
        EXPECT_EQ(rows[name], "| `" + name + "` | " + cel_name(s.type) + " | " + unit + " | " +
                                  std::string(s.help) + " |");
        rows.erase(name);
    }
    EXPECT_TRUE(rows.empty()) << "no such fact: " << rows.begin()->first;
}

// Every ```yaml block that begins with "version:" is a whole file.
TEST(Reference, ItsExamplesLoad) {
    const std::string text = read(kSource / "docs" / "rules.md");
    int files = 0;
    for (std::size_t at = text.find("```yaml\nversion:"); at != std::string::npos;
         at = text.find("```yaml\nversion:", at + 1)) {
        const std::size_t begin = at + 8;
        const std::string_view block = std::string_view(text).substr(begin, text.find("```", begin) - begin);
        if (block.find("\ntests:") != std::string::npos) {
            EXPECT_TRUE(load_fixture(block).fixture);
            continue;
        }
        const Loaded loaded = load(block, "docs/rules.md");
        EXPECT_TRUE(loaded.rules);
        for (const Diagnostic& d : loaded.diagnostics)
            if (d.kind == Diagnostic::Kind::error) ADD_FAILURE() << format(d, "docs/rules.md (block)");
        ++files;
    }
    EXPECT_GE(files, 2);
}

TEST(Examples, LoadWithoutAWarning) {
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(kSource / "examples")) {
        if (entry.path().filename() != "rules.yaml") continue;
        for (const Diagnostic& d : load(read(entry.path()), entry.path().string()).diagnostics)
            ADD_FAILURE() << format(d, entry.path().string());
        ++files;
    }
    EXPECT_GE(files, 1);
}

}  // namespace
}  // namespace autotune::rules
