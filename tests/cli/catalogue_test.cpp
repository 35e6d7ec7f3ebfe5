#include "cli/catalogue_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "rules/condition.hpp"

namespace autotune::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<RemedyRecord> tried() {
    RemedyRecord known{.symptom = "out-of-memory", .remedy = "map-reduce over event.items", .told = 2};
    RemedyRecord resized{.symptom = "out-of-memory", .remedy = "resize", .proved = 3, .harmful = 1};
    resized.latest.push_back({WallTime(), "a|b", "resize 128 MB → 256 MB", "oom", "no OOM", "12 pairs", Disposition::promoted});
    RemedyRecord other{.symptom = std::string(kOtherSymptom), .remedy = "pray", .told = 1};
    return {known, resized, other};
}

TEST(CatalogueText, TellsEverySymptomAndWhatBecameOfItsRemedies) {
    const std::string text = catalogue_text(tried());
    for (const Symptom& s : symptoms()) EXPECT_THAT(text, HasSubstr(std::string(s.name) + "\n"));
    EXPECT_THAT(text, HasSubstr("here so far: 3 of 4 proved, 1 harmful"));
    EXPECT_THAT(text, HasSubstr("map-reduce over event.items: Work on parts"));
    EXPECT_THAT(text, HasSubstr("predicted: no OOM; measured: 12 pairs"));
    EXPECT_THAT(text, HasSubstr("pray"));
    EXPECT_THAT(catalogue_text({}), Not(HasSubstr("here so far")));
}

TEST(CatalogueText, AsJson) {
    const auto json = nlohmann::json::parse(catalogue_json(tried()));
    const auto& oom = json.at("symptoms").at(0);
    EXPECT_EQ(oom.at("name"), "out-of-memory");
    EXPECT_EQ(oom.at("remedies").at(0).at("record").at("proved"), 3);
    EXPECT_EQ(oom.at("remedies").at(0).at("record").at("latest").at(0).at("function"), "a|b");
    EXPECT_TRUE(oom.at("remedies").at(1).at("record").is_null());
    EXPECT_EQ(json.at("symptoms").back().at("name"), "other");
    EXPECT_TRUE(json.at("symptoms").back().at("remedies").at(0).at("what").is_null());
}

TEST(CatalogueText, ThePageOfTheDocumentationIsWhatTheProgramWrites) {
    std::ifstream file(AUTOTUNE_SOURCE_DIR "/docs/catalogue.md");
    std::stringstream page;
    page << file.rdbuf();
    EXPECT_EQ(page.str(), catalogue_markdown({})) << "write it anew: autotune catalogue --markdown -o docs/catalogue.md";
}

TEST(CatalogueText, SignsAreConditionsThatRulesAccept) {
    for (const Symptom& s : symptoms()) {
        const auto condition = rules::compile_condition(s.sign);
        EXPECT_TRUE(condition.condition) << s.name << ": " << s.sign;
    }
}

}  // namespace
}  // namespace autotune::cli
