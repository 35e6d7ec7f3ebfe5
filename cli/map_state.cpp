#include "cli/map_state.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;

// "event.order.items" → {"order", "items"}
std::vector<std::string> steps_of(std::string_view path) {
    std::vector<std::string> steps;
    while (true) {
        const std::size_t dot = path.find('.');
        steps.emplace_back(path.substr(0, dot));
        if (dot == std::string_view::npos) break;
        path.remove_prefix(dot + 1);
    }
    steps.erase(steps.begin());  // "event"
    return steps;
}

}  // namespace

std::optional<std::string> map_state_machine(const Change& change, const FunctionRef& function) try {
    const auto* wrap = std::get_if<Wrap>(&change);
    if (wrap == nullptr || wrap->remedy != "map_reduce" || wrap->settings.empty()) return std::nullopt;
    const Json settings = Json::parse(wrap->settings);
    const std::string reduce = settings.value("reduce", "concat");
    const std::vector<std::string> steps = steps_of(settings.at("over").get<std::string>());
    std::string items = "$";
    for (const std::string& step : steps) items += "." + step;
    // {"order": {"items.$": "$.Items"}}
    Json payload = "$.Items";
    for (auto step = steps.rbegin(); step != steps.rend(); ++step)
        payload = Json{{step == steps.rbegin() ? *step + ".$" : *step, std::move(payload)}};
    Json part{{"Type", "Task"},
              {"Resource", "arn:aws:states:::lambda:invoke"},
              {"Parameters", {{"FunctionName", function.name}}},
              {"OutputPath", "$.Payload"},
              {"Retry", Json::array({{{"ErrorEquals", {"Lambda.TooManyRequestsException", "Lambda.ServiceException"}},
                                      {"IntervalSeconds", 1},
                                      {"MaxAttempts", 5},
                                      {"BackoffRate", 2}}})},
              {"End", true}};
    if (steps.empty())
        part["Parameters"]["Payload.$"] = "$.Items";
    else
        part["Parameters"]["Payload"] = std::move(payload);
    Json map{{"Type", "Map"},
             {"ItemsPath", items},
             {"MaxConcurrency", settings.value("concurrency", 8)},
             {"ItemBatcher", {{"MaxItemsPerBatch", settings.value("part", 100)}}},
             {"ItemProcessor",
              {{"ProcessorConfig", {{"Mode", "DISTRIBUTED"}, {"ExecutionType", "STANDARD"}}},
               {"StartAt", "part"},
               {"States", {{"part", std::move(part)}}}}},
             {"End", true}};
    std::string comment = "What else of the input the parts need goes into ItemBatcher.BatchInput.";
    if (reduce == "concat")
        map["ResultSelector"] = {{"items.$", "$[*][*]"}};
    else
        comment += " The output is the list of the parts' answers: put them together by " + reduce + " in a state after it.";
    return Json{{"Comment", comment}, {"StartAt", "map"}, {"States", {{"map", std::move(map)}}}}.dump(2);
} catch (const nlohmann::json::exception&) {  // settings that this version does not know
    return std::nullopt;
}

}  // namespace autotune::cli
