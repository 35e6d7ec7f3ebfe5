// The JSON form of a Message, in the shape of Alertmanager's webhook_config, version 4:
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "exporters/message.hpp"
#include "exporters/message_forms.hpp"
#include "exporters/message_labels.hpp"

namespace autotune::exporters {

using nlohmann::json;

namespace {
std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}
}  // namespace

std::map<std::string, std::string> labels_of(const Message& m) {
    return {{"alertname", m.rule},
            {"function", m.function.name},
            {"provider", m.function.provider},
            {"severity", std::string(to_string(m.severity))},
            {"topic", m.topic == Topic::symptom ? "symptom" : "change"}};
}

std::map<std::string, std::string> annotations_of(const Message& m) {
    std::map<std::string, std::string> a = {{"summary", m.title}, {"description", to_text(m)}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) a[name] = value;
    };
    add("because", m.because);
    add("impact", m.impact);
    add("confidence", m.confidence);
    add("suggestion", m.suggestion);
    add("action", m.next);
    add("predicted", m.predicted);
    add("risk", m.risk);
    add("done", m.done);
    add("refused", joined(m.refused));
    add("rollback", m.rollback);
    add("missing", joined(m.missing));
    add("runbook_url", m.runbook);
    add("hottest_frame", m.hottest_frame);
    add("flame_graph", m.flame_graph);
    add("culprit", m.culprit);
    add("black_box", m.black_box);
    add("differed", m.differed);
    if (m.kill_time) a["kill_time"] = to_rfc3339(*m.kill_time);
    for (const auto& [name, value] : m.facts) a["fact:" + name] = value;
    return a;
}

// FNV-1a.
std::string fingerprint(const Message& m) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const std::string_view part : {std::string_view(m.rule), std::string_view(m.function.provider),
                                        std::string_view(m.function.name)}) {
        for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        hash *= 0x100000001b3;  // a zero byte between the parts
    }
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
    return text.data();
}

std::string to_webhook_json(const Message& m, std::string_view receiver) {
    const std::string status = m.resolved ? "resolved" : "firing";
    const json labels = labels_of(m);
    const json annotations = annotations_of(m);
    const std::string starts = to_rfc3339(m.since.value_or(m.at));
    const json alert = {{"status", status},
                        {"labels", labels},
                        {"annotations", annotations},
                        {"startsAt", starts},
                        {"endsAt", m.resolved ? to_rfc3339(m.at) : "0001-01-01T00:00:00Z"},
                        {"generatorURL", ""},
                        {"fingerprint", fingerprint(m)}};
    const json group = {{"alertname", m.rule}, {"function", m.function.name}};
    const json body = {
        {"version", "4"},
        {"groupKey", "{}:{alertname=\"" + m.rule + "\", function=\"" + m.function.name + "\"}"},
        {"truncatedAlerts", 0},
        {"status", status},
        {"receiver", std::string(receiver)},
        {"groupLabels", group},
        {"commonLabels", labels},
        {"commonAnnotations", annotations},
        {"externalURL", ""},
        {"alerts", json::array({alert})}};
    // Names come from outside: what is not UTF-8 is replaced, not thrown.
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace autotune::exporters
