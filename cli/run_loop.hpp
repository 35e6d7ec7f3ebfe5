// run_loop: composes the loop and turns it until a signal comes. The one composition root.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/state_folder.hpp"
#include "core/knowledge_store.hpp"
#include "core/plan.hpp"
#include "core/provider.hpp"

namespace autotune::cli {

struct RunOptions {
    std::filesystem::path rules;
    std::filesystem::path state = default_state_folder();
    Mode mode = Mode::dry_run;
    std::string listen = "127.0.0.1:9464";  // ADDRESS:PORT of the web server
    std::string alias;                      // as ExecutorOptions::alias
    std::vector<std::string> notify;        // targets (exporters/notification_target.hpp)
    std::string tariff = "aws-lambda-x86";  // by whose prices people are told what a symptom costs: a name, or a .yaml file
    Nanos lease = std::chrono::seconds(60);         // as ExecutorOptions::lease; 0: no leases are taken
    Nanos lease_settle = std::chrono::seconds(1);   // as ExecutorOptions::lease_settle
    std::vector<std::string> cgroups;       // as Detail::cgroups
    std::uint32_t sample_hz = 99;           // 0 = no stack samples
    std::optional<double> budget = 0.01;    // cores that the agent may use; none: whatever it takes
};

// What a test puts around the store and the platform (docs/decisions/0003). Each gets the real one, which
// outlives what it returns.
struct Decorators {
    std::function<std::unique_ptr<KnowledgeStore>(KnowledgeStore&)> store;
    std::function<std::unique_ptr<Provider>(Provider&)> provider;
};

// Until SIGINT or SIGTERM. Talks on stderr, notifications on stdout. Returns the exit status.
int run_loop(const RunOptions& options, const Decorators& decorators = {});

}  // namespace autotune::cli
