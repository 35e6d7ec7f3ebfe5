#include "providers/tuning.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/json_depth.hpp"

namespace autotune {

namespace {
using nlohmann::json;

constexpr std::string_view kPythonHandler = "autotune_remedy.handler";
// As an absolute path, as Lambda's runtime waits for ES modules that are files, not for what it finds in node_modules.
constexpr std::string_view kNodeHandler = "/opt/nodejs/node_modules/autotune_remedy/index.handler";

// "arn:aws:lambda:…:layer:autotune-remedy-12ab:3" is known by "autotune-remedy-12ab"; all others by themselves.
std::string known_by(const std::string& layer) {
    const std::string mark = ":layer:" + std::string(kRemedyLayer);
    const std::size_t at = layer.find(mark);
    if (at == std::string::npos) return layer;
    const std::size_t name = at + std::string_view(":layer:").size();
    return layer.substr(name, layer.find(':', name) - name);
}

bool is_ours(const std::string& layer) { return known_by(layer).starts_with(kRemedyLayer); }

bool same_layers(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::ranges::equal(a, b, [](const std::string& x, const std::string& y) { return known_by(x) == known_by(y); });
}

std::int64_t seconds_of(Nanos limit) { return std::chrono::ceil<std::chrono::seconds>(limit).count(); }

// What the wrapper was told; of a function that is not wrapped: what it would have to know.
Result<json> told(const Tuning& before) try {
    if (before.remedy == kRemedyUnknown)
        return fail(Errc::unsupported, "the function's variables cannot be read, and they are set as a whole; may this role use "
                                       "the key that they are encrypted with?");
    if (before.remedy.empty())
        return json{{"handler", before.handler},
                    {"timeout_s", seconds_of(before.timeout)},
                    {"remedies", json::object()}};
    if (nests_deeper_than(before.remedy))
        return fail(Errc::invalid_argument, "it is nested more than " + std::to_string(kMostJsonLevels) + " levels deep");
    json j = json::parse(before.remedy);
    (void)j.at("handler").get<std::string>();
    (void)j.at("timeout_s").get<std::int64_t>();
    if (!j.at("remedies").is_object()) return fail(Errc::invalid_argument, "its remedies are no object");
    return j;
} catch (const json::exception& e) {
    return fail(Errc::invalid_argument, e.what());
}

Result<Tuning> wrapped(const Wrap& wrap, const Tuning& before, std::string_view layer) try {
    auto j = told(before);
    if (!j) return j.forward("variable " + std::string(kRemedyVariable));
    json& remedies = (*j)["remedies"];
    Tuning to = before;
    std::erase_if(to.layers, is_ours);
    const auto own = std::chrono::seconds((*j)["timeout_s"].get<std::int64_t>());
    if (wrap.settings.empty()) {
        if (remedies.erase(wrap.remedy) == 0)
            return fail(Errc::invalid_argument, "it has no " + wrap.remedy + " that could be taken off");
        // These need the time that was given to them.
        if (!remedies.contains("handover") && !remedies.contains("map_reduce")) to.timeout = own;
        if (remedies.empty()) {
            to.handler = (*j)["handler"].get<std::string>();
            to.remedy.clear();
            return to;
        }
    } else {
        remedies[wrap.remedy] = json::parse(wrap.settings);
        // Other code than the copies' must not be served by them, whoever deploys it.
        if (wrap.remedy == "relocate") remedies[wrap.remedy]["code"] = before.code_hash;
        if (wrap.timeout > Nanos(0)) to.timeout = std::max(to.timeout, wrap.timeout);
    }
    to.handler = wrap.handler.empty() ? kPythonHandler : wrap.handler;
    to.layers.emplace_back(layer);
    to.remedy = j->dump(-1, ' ', true, json::error_handler_t::replace);
    return to;
} catch (const json::exception& e) {
    return fail(Errc::invalid_argument, std::string("settings of the remedy: ") + e.what());
}

// 22 of "nodejs22.x" after "nodejs"; 0: another name, or no number.
int number_after(std::string_view runtime, std::string_view name) {
    int number = 0;
    if (runtime.starts_with(name)) std::from_chars(runtime.data() + name.size(), runtime.data() + runtime.size(), number);
    return number;
}

}  // namespace

std::string_view wrapper_handler(std::string_view runtime) {
    if (number_after(runtime, "python3.") >= 8) return kPythonHandler;
    if (number_after(runtime, "nodejs") >= 18) return kNodeHandler;
    return "";
}

Result<Tuning> tuned(const Change& change, const Tuning& before, std::string_view layer) {
    if (const auto* wrap = std::get_if<Wrap>(&change)) return wrapped(*wrap, before, layer);
    if (const auto* over = std::get_if<TakeOver>(&change)) return over->left;
    Tuning to = before;
    if (const auto* deploy = std::get_if<Deploy>(&change))
        to.code_hash = deploy->code_hash;
    else
        to.memory_mb = std::get<Resize>(change).to_mb;
    return to;
}

ConfigDelta difference(const Tuning& from, const Tuning& to, const std::map<std::string, std::string>& environment) {
    ConfigDelta delta;
    if (from.memory_mb != to.memory_mb) delta.memory_mb = to.memory_mb;
    if (from.timeout != to.timeout) delta.timeout = to.timeout;
    if (from.handler != to.handler) delta.handler = to.handler;
    if (from.layers != to.layers) delta.layers = to.layers;
    if (from.remedy != to.remedy) {
        delta.environment = environment;
        if (to.remedy.empty())
            delta.environment->erase(std::string(kRemedyVariable));
        else
            (*delta.environment)[std::string(kRemedyVariable)] = to.remedy;
    }
    return delta;
}

Tuning taken_back(const Tuning& now, const Tuning& before, const Tuning& wanted) {
    Tuning back = now;
    const auto put = [](auto& field, const auto& old, const auto& made, bool as_made) {
        if (old != made && as_made) field = old;
    };
    put(back.memory_mb, before.memory_mb, wanted.memory_mb, now.memory_mb == wanted.memory_mb);
    put(back.timeout, before.timeout, wanted.timeout, now.timeout == wanted.timeout);
    put(back.handler, before.handler, wanted.handler, now.handler == wanted.handler);
    put(back.layers, before.layers, wanted.layers, same_layers(now.layers, wanted.layers));
    put(back.code_hash, before.code_hash, wanted.code_hash, now.code_hash == wanted.code_hash);
    put(back.remedy, before.remedy, wanted.remedy, now.remedy == wanted.remedy);
    return back;
}

bool same_tuning(const Tuning& a, const Tuning& b) { return differs(a, b).empty(); }

std::string differs(const Tuning& now, const Tuning& wanted) {
    const auto told = [](std::string_view what, const std::string& is, const std::string& should) {
        return std::string(what) + " " + is + ", wanted " + should;
    };
    if (now.memory_mb != wanted.memory_mb)
        return told("memory", std::to_string(now.memory_mb) + " MB", std::to_string(wanted.memory_mb) + " MB");
    if (now.timeout != wanted.timeout)
        return told("time limit", std::to_string(seconds_of(now.timeout)) + " s",
                    std::to_string(seconds_of(wanted.timeout)) + " s");
    // Where one of them was not told nothing is known of a difference.
    if (now.code_hash != wanted.code_hash && !now.code_hash.empty() && !wanted.code_hash.empty())
        return "other code than wanted";
    if (now.handler != wanted.handler) return told("handler", now.handler, wanted.handler);
    if (!same_layers(now.layers, wanted.layers)) return "other layers than wanted";
    if (now.remedy != wanted.remedy) return "other remedies than wanted";
    return "";
}

}  // namespace autotune
