// autotune cost: what an application costs, and would cost.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analyzer/cost/bill.hpp"
#include "analyzer/cost/cost_interval.hpp"
#include "analyzer/cost/other_memory.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/cost_files.hpp"
#include "cli/cost_measured.hpp"
#include "cli/exit_status.hpp"
#include "cli/text_output.hpp"
#include "cli/text_pieces.hpp"
#include "exporters/render/cost.hpp"
#include "exporters/render/cost_model_yaml.hpp"

namespace autotune::cli {

namespace {

struct Arguments {
    std::string model, out, state, write_model;
    std::vector<std::string> tariffs, memory, duration, load, provider;
    std::optional<double> window_s;
    bool json = false, list = false, no_free_tier = false;
};

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune cost: %s\n", message.c_str());
    return status;
}

int list(const std::vector<Tariff>& tariffs) {
    for (const Tariff& t : tariffs)
        std::printf("%-16s %s  %s\n", t.name.c_str(), t.as_of.c_str(), t.title.c_str());
    return kDone;
}

// What the options would change; in words too.
Status apply(const Arguments& arguments, CostModel& model, std::vector<std::string>& changes) {
    for (const std::string& change : arguments.provider)
        if (Status s = change_provider(model, change); !s) return s;
    for (const std::string& change : arguments.memory)
        if (Status s = change_memory(model, change); !s) return s;
    for (const std::string& change : arguments.duration)
        if (Status s = change_duration(model, change); !s) return s;
    for (const std::string& change : arguments.load)
        if (Status s = change_load(model, change); !s) return s;
    const auto told = [&](const char* what, const std::vector<std::string>& all) {
        for (const std::string& change : all) changes.push_back(std::string(what) + " " + change);
    };
    told("provider", arguments.provider), told("memory", arguments.memory);
    told("duration", arguments.duration), told("load", arguments.load);
    return ok();
}

// Another memory mostly means another duration; where none is known for it, that is said.
void tell_of_durations(const Arguments& arguments, const CostModel& model) {
    for (const std::string& change : arguments.memory) {
        const std::string name = change.substr(0, change.rfind('='));
        for (const CostEndpoint& e : model.endpoints) {
            const bool told = std::any_of(arguments.duration.begin(), arguments.duration.end(),
                                          [&](const std::string& d) { return d.starts_with(e.name + "="); });
            if (model.services[e.service].name == name && e.duration_at.empty() && !told && !e.given.compute)
                std::fprintf(
                    stderr,
                    "autotune cost: %s is taken to last as long as before; say --duration %s=MS, or give "
                    "duration_ms by memory\n",
                    e.name.c_str(), e.name.c_str());
        }
    }
}

// What the bill is of, and where it comes from.
struct Subject {
    CostModel model;
    std::optional<MeasuredCost> measured;
    std::string where;  // before messages
};

// Memory that is on no record is no "what if": it is said by --memory, and holds for both bills.
Status say_memory(Arguments& arguments, MeasuredCost& measured) {
    for (const std::string& name : measured.unknown_memory) {
        const auto said = std::ranges::find_if(arguments.memory, [&](const std::string& m) { return m.starts_with(name + "="); });
        if (said == arguments.memory.end())
            return fail(Errc::invalid_argument, "the memory of " + name + " is on no record: say --memory " + name + "=MB");
        if (Status s = change_memory(measured.model, *said); !s) return s;
        measured.remarks.push_back(name + ": its memory is on no record; --memory " + *said + " says it");
        arguments.memory.erase(said);
    }
    return ok();
}

Result<Subject> subject(Arguments& arguments, const std::vector<Tariff>& tariffs) {
    if (arguments.state.empty()) {
        auto model = read_cost_model(arguments.model);
        if (!model) return model.forward();
        return Subject{std::move(*model), std::nullopt, shown_path(arguments.model) + ": "};
    }
    std::optional<Nanos> window;
    if (arguments.window_s) window = Nanos(static_cast<std::int64_t>(*arguments.window_s * 1e9));
    auto measured = measured_cost(arguments.state, window, tariffs);
    if (!measured) return measured.forward();
    if (Status s = say_memory(arguments, *measured); !s) return s.forward();
    if (std::ranges::any_of(measured->model.services, [](const CostService& s) { return s.tariff == "aws-lambda-x86"; }))
        measured->remarks.push_back("which processor functions run on is not on record: x86 is taken; --provider aws-lambda-arm tells the other");
    measured->remarks.push_back("what is sent to the internet, and gateways before functions, are on no record and not billed");
    return Subject{measured->model, std::move(*measured), arguments.state + ": "};
}

Status keep_model(const Arguments& arguments, const Subject& subject) {
    if (arguments.write_model.empty()) return ok();
    const MeasuredCost& m = *subject.measured;
    std::vector<std::string> remarks{"measured " + to_rfc3339(m.from) + " to " + to_rfc3339(m.to) + ": " + std::to_string(m.invocations) +
                                     " invocations; loads are those times " + m.scale.text(6)};
    remarks.insert(remarks.end(), m.remarks.begin(), m.remarks.end());
    return write_text(arguments.write_model, render::cost_model_yaml(subject.model, m.period_hours, remarks));
}

Result<std::optional<CostInterval>> interval(const MeasuredCost* measured, const CostModel& model, const std::vector<Tariff>& tariffs) {
    if (measured == nullptr) return std::optional<CostInterval>();
    return analysis::cost_interval(*measured, model, tariffs);
}

int write(const Arguments& arguments, const std::string& text) {
    const Status written = write_text(arguments.out, text);
    return written ? kDone : failed_with(written.error().message, kFailed);
}

int run(Arguments arguments) {
    auto tariffs = known_tariffs(arguments.tariffs);
    if (!tariffs) return failed_with(tariffs.error().message, kUsage);
    if (arguments.list) return list(*tariffs);
    if (arguments.model.empty() == arguments.state.empty())
        return failed_with("one of --model FILE and --state DIR is needed; see autotune cost --help", kUsage);
    if (arguments.state.empty() && (!arguments.write_model.empty() || arguments.window_s))
        return failed_with("--write-model and --window go with --state DIR", kUsage);
    auto of = subject(arguments, *tariffs);
    if (!of) {
        const bool usage = of.error().code == Errc::invalid_argument;
        // What is wrong with a model's text is told already.
        if (usage && arguments.state.empty()) return kUsage;
        return failed_with(of.error().message, usage ? kUsage : kFailed);
    }
    CostModel* const model = &of->model;
    model->free_tier = model->free_tier && !arguments.no_free_tier;
    const std::string& where = of->where;
    const MeasuredCost* const measured = of->measured ? &*of->measured : nullptr;
    if (Status s = keep_model(arguments, *of); !s) return failed_with(s.error().message, kFailed);
    const auto before = analysis::bill_of(*model, *tariffs);
    if (!before) return failed_with(where + before.error().message, kUsage);

    CostModel changed = *model;
    std::vector<std::string> changes;
    if (Status s = apply(arguments, changed, changes); !s) return failed_with(s.error().message, kUsage);
    if (measured)
        for (std::string& told : analysis::take_measured(changed, *measured)) of->measured->remarks.push_back(std::move(told));
    tell_of_durations(arguments, changed);
    std::optional<Bill> after;
    if (!changes.empty()) {
        auto bill = analysis::bill_of(changed, *tariffs);
        if (!bill) return failed_with(where + bill.error().message, kUsage);
        after = std::move(*bill);
    }
    const auto sure = interval(measured, *model, *tariffs);
    if (!sure) return failed_with(where + sure.error().message, kUsage);
    // A load that was said is not measured: nothing is known of how it varies.
    const auto sure_after = interval(after && arguments.load.empty() ? measured : nullptr, changed, *tariffs);
    if (!sure_after) return failed_with(where + sure_after.error().message, kUsage);

    std::set<std::string> named;
    for (const CostService& service : model->services) named.insert(service.tariff);
    for (const CostService& service : changed.services) named.insert(service.tariff);
    std::erase_if(*tariffs, [&](const Tariff& t) { return !named.contains(t.name); });
    const render::CostReport report{.model = &*model,
                                    .bill = &*before,
                                    .tariffs = &*tariffs,
                                    .after = after ? &*after : nullptr,
                                    .changes = std::move(changes),
                                    .measured = measured,
                                    .interval = *sure,
                                    .after_interval = *sure_after};
    const bool json = arguments.json || arguments.out.ends_with(".json");
    return write(arguments, json ? render::cost_json(report) + "\n" : render::cost_text(report));
}

}  // namespace

int cost_command(int argc, char** argv) {
    CLI::App app("Tells what an application costs a month, and what it would", argv[0]);
    app.footer(
        "examples:\n"
        "  autotune cost --model shop.yaml\n"
        "  autotune cost --model shop.yaml --memory checkout=512\n"
        "  autotune cost --model shop.yaml --provider gcf --load checkout=5000000 --json\n"
        "  autotune cost --state /var/lib/autotune --memory checkout=512     # of what the agent has on record\n"
        "  autotune cost --state /var/lib/autotune --window 7d --write-model shop.yaml\n"
        "  autotune cost --list-tariffs\n\n"
        "The model names services, what a call of them takes, and who calls whom how often (docs/cost.md). "
        "With\n"
        "any of --memory, --duration, --load and --provider the costs before and after stand side by side.");
    Arguments arguments;
    app.add_option("--model", arguments.model, "YAML or JSON, plain or .gz; - is standard input");
    app.add_option("--state,--from", arguments.state,
                   "instead of a model: the agent's state folder. The model is made of the invocations and calls on record there");
    app.add_option("--window", arguments.window_s,
                   "of the record the newest so much: 1h, 7d; else the time of which it is known who called whom")
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}}))
        ->check(CLI::Range(1.0, 86'400.0 * 366));
    app.add_option("--write-model", arguments.write_model, "keep the measured model, without any what-if, as YAML to go on with");
    app.add_option("--memory", arguments.memory, "FUNCTION=MB: what if it had so much memory");
    app.add_option("--duration", arguments.duration, "ENDPOINT=MS: what if a call of it took so long");
    app.add_option("--load", arguments.load, "ENDPOINT=CALLS: what if so many came from outside a period");
    app.add_option("--provider", arguments.provider, "[FUNCTION=]TARIFF: what if it, or all, ran there");
    app.add_option("--tariff-file", arguments.tariffs,
                   "a tariff of your own (YAML); before those that are known");
    app.add_flag("--no-free-tier", arguments.no_free_tier, "as if nothing were free");
    app.add_flag("--list-tariffs", arguments.list, "the tariffs that are known, and the day of their prices");
    app.add_flag("--json", arguments.json, "as JSON");
    app.add_option("-o,--output", arguments.out, "write there; a name that ends in .json is JSON");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return run(std::move(arguments));
}

}  // namespace autotune::cli
