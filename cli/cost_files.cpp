#include "cli/cost_files.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "cli/text_pieces.hpp"
#include "knowledge/tariffs.hpp"
#include "rules/cost/model.hpp"
#include "rules/cost/tariff.hpp"
#include "rules/suggest.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostBytes = 256 << 20;

Result<std::string> text_of(const std::string& path) {
    std::string text;
    const Status read = read_text_in_pieces(path, [&](std::string_view piece) -> Status {
        if (text.size() + piece.size() > kMostBytes)
            return fail(Errc::resource_exhausted, shown_path(path) + " is larger than 256 MiB");
        text += piece;
        return ok();
    });
    if (!read) return read.forward();
    return text;
}

struct Named {
    std::string name, value;
};

Result<Named> named(const std::string& change, std::string_view option) {
    const auto equals = change.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == change.size())
        return fail(Errc::invalid_argument, std::string(option) + " " + change + " should be NAME=VALUE");
    return Named{change.substr(0, equals), change.substr(equals + 1)};
}

template <class T>
Result<T*> find(std::vector<T>& all, const std::string& name, std::string_view what) {
    std::vector<std::string_view> names;
    for (T& one : all) {
        if (one.name == name) return &one;
        names.push_back(one.name);
    }
    return fail(Errc::invalid_argument,
                "there is no " + std::string(what) + " \"" + name + "\"" + rules::did_you_mean(name, names));
}

Result<Decimal> number(const Named& change, std::string_view option) {
    const auto value = Decimal::parse(change.value);
    if (!value || *value < Decimal())
        return fail(Errc::invalid_argument, std::string(option) + " " + change.name + "=" + change.value +
                                                ": a number that is not below 0 is needed");
    return *value;
}

}  // namespace

Result<CostModel> read_cost_model(const std::string& path) {
    const auto text = text_of(path);
    if (!text) return text.forward();
    rules::LoadedCostModel loaded = rules::load_cost_model(*text, rules::syntax_of(path, *text));
    for (const rules::Diagnostic& d : loaded.diagnostics)
        std::fprintf(stderr, "%s\n", rules::format(d, shown_path(path)).c_str());
    if (!loaded.model) return fail(Errc::invalid_argument, shown_path(path) + " has mistakes");
    return std::move(*loaded.model);
}

Result<std::vector<Tariff>> known_tariffs(const std::vector<std::string>& files) {
    std::vector<Tariff> all;
    const auto add = [&](std::string_view text, const std::string& name) -> Status {
        rules::LoadedTariff loaded = rules::load_tariff(text);
        if (!loaded.tariff)
            return fail(Errc::invalid_argument, rules::format(loaded.diagnostics.front(), name));
        if (std::none_of(all.begin(), all.end(),
                         [&](const Tariff& t) { return t.name == loaded.tariff->name; }))
            all.push_back(std::move(*loaded.tariff));
        return ok();
    };
    for (const std::string& file : files) {
        const auto text = text_of(file);
        if (!text) return text.forward();
        if (Status s = add(*text, file); !s) return s.forward();
    }
    for (const TariffText& tariff : tariff_texts())
        if (Status s = add(tariff.text, std::string(tariff.file)); !s) return s.forward();
    return all;
}

Status change_memory(CostModel& model, const std::string& change) {
    const auto what = named(change, "--memory");
    if (!what) return what.forward();
    const auto service = find(model.services, what->name, "function");
    if (!service) return service.forward();
    const auto mb = number(*what, "--memory");
    if (!mb) return mb.forward();
    if ((*service)->instances || *mb != mb->ceiling() || *mb < Decimal(1) || *mb > Decimal(1'000'000'000))
        return fail(Errc::invalid_argument,
                    "--memory " + change + ": a function and a whole number of MB are needed");
    (*service)->memory_mb = static_cast<std::int64_t>(mb->approximate());
    return ok();
}

Status change_duration(CostModel& model, const std::string& change) {
    const auto what = named(change, "--duration");
    if (!what) return what.forward();
    const auto endpoint = find(model.endpoints, what->name, "endpoint");
    if (!endpoint) return endpoint.forward();
    const auto ms = number(*what, "--duration");
    if (!ms) return ms.forward();
    (*endpoint)->duration_ms = *ms;
    (*endpoint)->duration_at.clear();
    (*endpoint)->billed_ms.clear();
    return ok();
}

Status change_load(CostModel& model, const std::string& change) {
    const auto what = named(change, "--load");
    if (!what) return what.forward();
    const auto endpoint = find(model.endpoints, what->name, "endpoint");
    if (!endpoint) return endpoint.forward();
    const auto calls = number(*what, "--load");
    if (!calls) return calls.forward();
    (*endpoint)->load = *calls;
    return ok();
}

Status change_provider(CostModel& model, const std::string& change) {
    if (change.find('=') == std::string::npos) {
        for (CostService& service : model.services)
            if (!service.instances) service.tariff = change;
        return ok();
    }
    const auto what = named(change, "--provider");
    if (!what) return what.forward();
    const auto service = find(model.services, what->name, "service");
    if (!service) return service.forward();
    (*service)->tariff = what->value;
    return ok();
}

}  // namespace autotune::cli
