// autotune cost: what an application costs, and would cost.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analyzer/cost/bill.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/cost_files.hpp"
#include "cli/exit_status.hpp"
#include "cli/text_output.hpp"
#include "cli/text_pieces.hpp"
#include "exporters/render/cost.hpp"

namespace autotune::cli {

namespace {

struct Arguments {
    std::string model, out;
    std::vector<std::string> tariffs, memory, duration, load, provider;
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

int write(const Arguments& arguments, const std::string& text) {
    const Status written = write_text(arguments.out, text);
    return written ? kDone : failed_with(written.error().message, kFailed);
}

int run(const Arguments& arguments) {
    auto tariffs = known_tariffs(arguments.tariffs);
    if (!tariffs) return failed_with(tariffs.error().message, kUsage);
    if (arguments.list) return list(*tariffs);
    if (arguments.model.empty())
        return failed_with("--model FILE is needed; see autotune cost --help", kUsage);
    auto model = read_cost_model(arguments.model);
    if (!model) {
        // What is wrong with the text is told already.
        if (model.error().code == Errc::invalid_argument) return kUsage;
        return failed_with(model.error().message, kFailed);
    }
    model->free_tier = model->free_tier && !arguments.no_free_tier;
    const std::string where = shown_path(arguments.model) + ": ";
    const auto before = analysis::bill_of(*model, *tariffs);
    if (!before) return failed_with(where + before.error().message, kUsage);

    CostModel changed = *model;
    std::vector<std::string> changes;
    if (Status s = apply(arguments, changed, changes); !s) return failed_with(s.error().message, kUsage);
    tell_of_durations(arguments, changed);
    std::optional<Bill> after;
    if (!changes.empty()) {
        auto bill = analysis::bill_of(changed, *tariffs);
        if (!bill) return failed_with(where + bill.error().message, kUsage);
        after = std::move(*bill);
    }

    std::set<std::string> named;
    for (const CostService& service : model->services) named.insert(service.tariff);
    for (const CostService& service : changed.services) named.insert(service.tariff);
    std::erase_if(*tariffs, [&](const Tariff& t) { return !named.contains(t.name); });
    const render::CostReport report{.model = &*model,
                                    .bill = &*before,
                                    .tariffs = &*tariffs,
                                    .after = after ? &*after : nullptr,
                                    .changes = std::move(changes)};
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
        "  autotune cost --list-tariffs\n\n"
        "The model names services, what a call of them takes, and who calls whom how often (docs/cost.md). "
        "With\n"
        "any of --memory, --duration, --load and --provider the costs before and after stand side by side.");
    Arguments arguments;
    app.add_option("--model", arguments.model, "YAML or JSON, plain or .gz; - is standard input");
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
    return run(arguments);
}

}  // namespace autotune::cli
