// Plan steps that put a remedy around a function: cache, handover, map_reduce, relocate. Their settings are what the wrapper reads
// (runtimes/remedy/).
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "rules/cel/duration.hpp"
#include "rules/yaml/sections.hpp"

namespace autotune::rules {

namespace {

using nlohmann::json;

constexpr std::array<Choice<bool>, 2> kBool{{{"true", true}, {"false", false}}};

// "event", "event.order.id": names and positions in the input.
void read_path(Reader& reader, const YamlNode& node, std::string_view key, std::string& out) {
    reader.read_text(node, key, out);
    const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.'; };
    const bool good = (out == "event" || out.starts_with("event.")) && out.back() != '.' &&
                      out.find("..") == std::string::npos && std::all_of(out.begin(), out.end(), word);
    if (node.find(key) && !out.empty() && !good)
        reader.error(node.find(key)->at, "'" + std::string(key) + "' is a place in the input, such as event.order.id");
}

std::string text_of(const json& settings) { return settings.dump(); }

WrapStep read_cache(Reader& reader, const YamlNode& node) {
    WrapStep step{.remedy = "cache", .settings = {}, .words = {}, .pieces = 0};
    if (!reader.expect_map(node, "'cache'", {"of", "ttl", "key", "refresh", "safe", "most_mb", "token", "if"})) return step;
    enum class Of : std::uint8_t { answers, results } of = Of::answers;
    constexpr std::array<Choice<Of>, 2> kOf{{{"answers", Of::answers}, {"results", Of::results}}};
    reader.read_choice(node, "of", kOf, of);
    Nanos ttl = std::chrono::minutes(1);
    reader.read_duration(node, "ttl", ttl);
    std::string key, refresh, token;
    read_path(reader, node, "key", key);
    read_path(reader, node, "refresh", refresh);
    reader.read_text(node, "token", token);
    double most_mb = 16;
    reader.read_number(node, "most_mb", most_mb, {0.1, 1024});
    bool safe = false;
    reader.read_choice(node, "safe", kBool, safe);
    const bool results = of == Of::results;
    if (results && !safe)
        reader.error(node.at, "to keep results, say 'safe: true': the same input always gives the same output, and "
                              "nothing else the function does matters");
    for (const char* only : {"key", "refresh"})
        if (!results && node.find(only))
            reader.error(node.find(only)->at, "'" + std::string(only) + "' is for 'of: results'; answers are known by their URL");
    json settings{{"of", results ? "results" : "answers"}, {"ttl_s", to_seconds(ttl)}, {"most_mb", most_mb}};
    if (!key.empty()) settings["key"] = key;
    if (!refresh.empty()) settings["refresh"] = refresh;
    if (!token.empty()) settings["token"] = token;
    step.settings = text_of(settings);
    step.words = std::string(results ? "cache results" : "cache answers of services") + (key.empty() ? "" : " by " + key) +
                 " for " + cel::format_duration(ttl);
    return step;
}

WrapStep read_handover(Reader& reader, const YamlNode& node) {
    WrapStep step{.remedy = "handover", .settings = {}, .words = {}, .pieces = 0};
    if (!reader.expect_map(node, "'handover'", {"hops", "answer", "margin", "if"})) return step;
    std::uint32_t hops = 10;
    reader.read_count(node, "hops", hops, {1, 1000});
    enum class Answer : std::uint8_t { wait, event } answer = Answer::wait;
    constexpr std::array<Choice<Answer>, 2> kAnswer{{{"wait", Answer::wait}, {"event", Answer::event}}};
    reader.read_choice(node, "answer", kAnswer, answer);
    Nanos margin{0};
    reader.read_duration(node, "margin", margin);
    const bool wait = answer == Answer::wait;
    json settings{{"hops", hops}, {"answer", wait ? "wait" : "event"}};
    if (margin > Nanos(0)) settings["margin_s"] = to_seconds(margin);
    step.settings = text_of(settings);
    step.words = "handover to at most " + std::to_string(hops) + " successors" + (wait ? "" : ", as events");
    if (wait) step.pieces = hops + 1;
    return step;
}

WrapStep read_map_reduce(Reader& reader, const YamlNode& node) {
    WrapStep step{.remedy = "map_reduce", .settings = {}, .words = {}, .pieces = 0};
    if (!reader.expect_map(node, "'map_reduce'", {"over", "part", "concurrency", "reduce", "pieces", "if"})) return step;
    std::string over, reduce = "concat";
    read_path(reader, node, "over", over);
    reader.read_text(node, "reduce", reduce);
    std::uint32_t part = 100, concurrency = 8;
    reader.read_count(node, "part", part, {1, 1e6});
    reader.read_count(node, "concurrency", concurrency, {1, 1000});
    reader.read_count(node, "pieces", step.pieces, {1, 1000});
    if (reduce != "concat" && reduce != "sum" && reduce != "merge" && reduce.find('.') == std::string::npos)
        reader.error(node.find("reduce")->at,
                     "'reduce' is concat, sum, merge, or a function of the package that takes the answers: module.function");
    step.settings = text_of({{"over", over}, {"part", part}, {"concurrency", concurrency}, {"reduce", reduce}});
    step.words = "map-reduce over " + over + ", at most " + std::to_string(part) + " a part";
    return step;
}

void read_place(Reader& reader, const YamlNode& node, json& places) {
    if (!reader.expect_map(node, "a place", {"name", "region", "endpoint"})) return;
    std::string name, region, endpoint;
    reader.read_text(node, "name", name);
    reader.read_text(node, "region", region);
    reader.read_text(node, "endpoint", endpoint);
    if (region.empty()) return reader.error(node.at, "a place needs its 'region'");
    json place{{"name", name.empty() ? region : name}, {"region", region}};
    if (!endpoint.empty()) place["endpoint"] = endpoint;
    places.push_back(std::move(place));
}

WrapStep read_relocate(Reader& reader, const YamlNode& node) {
    WrapStep step{.remedy = "relocate", .settings = {}, .words = {}, .pieces = 0};
    if (!reader.expect_map(node, "'relocate'", {"places", "near", "tries", "if"})) return step;
    std::string near;
    reader.read_text(node, "near", near);
    std::uint32_t tries = 5;
    reader.read_count(node, "tries", tries, {1, 1000});
    json places = json::array();
    const YamlNode& list = *node.find("places");
    if (reader.expect_sequence(list, "'places'"))
        for (const YamlNode& place : list.children) read_place(reader, place, places);
    if (places.empty()) reader.error(list.at, "'places' names no place");
    std::string names;
    for (const json& place : places) names += (names.empty() ? "" : ", ") + place["name"].get<std::string>();
    step.settings = text_of({{"places", std::move(places)}, {"tries", tries}});
    step.words = "relocate to the quickest of here, " + names;
    return step;
}

}  // namespace

std::optional<WrapStep> read_remedy(Reader& reader, const YamlNode& node, std::string_view kind) {
    if (kind == "cache") return read_cache(reader, node);
    if (kind == "handover") return read_handover(reader, node);
    if (kind == "relocate" && node.find("places")) return read_relocate(reader, node);
    if (kind == "map_reduce" && node.find("over")) return read_map_reduce(reader, node);
    return std::nullopt;
}

}  // namespace autotune::rules
