#include "cli/run_loop.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "analyzer/analyzer.hpp"
#include "cli/exit_status.hpp"
#include "cli/listener_finder.hpp"
#include "cli/monitor.hpp"
#include "cli/pipeline.hpp"
#include "cli/regroup_desk.hpp"
#include "cli/regrouping.hpp"
#include "cli/remedy_layer.hpp"
#include "cli/reports.hpp"
#include "cli/rules_file.hpp"
#include "cli/web_pages.hpp"
#include "exporters/notifier.hpp"
#include "exporters/prometheus_sink.hpp"
#include "exporters/web_server.hpp"
#include "knowledge/sqlite_store.hpp"
#include "providers/aws_lambda.hpp"

namespace autotune::cli {

namespace {

volatile std::sig_atomic_t g_stop = 0;

void stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { g_stop = 1; };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

void say(const std::string& text) { std::cerr << "autotune: " << text << std::endl; }

// Everything that lives as long as the loop, in the order in which it must be made.
struct Loop {
    SystemClock clock;
    rules::RuleSet rules;
    std::unique_ptr<SqliteStore> real_store;
    std::unique_ptr<AwsLambda> real_provider;
    std::unique_ptr<KnowledgeStore> store_decorator;
    std::unique_ptr<Provider> provider_decorator;
    std::unique_ptr<Executor> executor;
    Monitor monitor;
    std::unique_ptr<BlackBoxes> black_boxes;
    Analyzer analyzer;
    // For its page; of single calls and works a few are enough.
    OwnerTopology owners{{.calls = 2'000, .works = 2'000, .history = std::chrono::hours(2)}};
    ListenerFinder listeners;
    std::atomic<bool> graph_asked = false;
    exporters::PrometheusSink metrics{{.agent_version = AUTOTUNE_VERSION}};
    std::unique_ptr<exporters::StdoutNotifier> notifier;
    std::vector<std::unique_ptr<exporters::WebhookNotifier>> targets;
    std::unique_ptr<exporters::WebServer> web;
    std::atomic<bool> desk_closes = false;
    std::unique_ptr<AwsLambda> asked_for_code;  // the desk's own: it asks from another thread
    std::unique_ptr<RegroupDesk> desk;
    std::unique_ptr<Pipeline> pipeline;
    std::unique_ptr<Reports> reports;
};

// "127.0.0.1:9464" or "[::1]:9464"
Result<exporters::WebServerOptions> web_options(const std::string& listen) {
    const auto colon = listen.rfind(':');
    char* end = nullptr;
    const unsigned long port =
        colon == std::string::npos ? 65536 : std::strtoul(listen.c_str() + colon + 1, &end, 10);
    if (port > 65535 || end == nullptr || *end != '\0' || end == listen.c_str() + colon + 1)
        return fail(Errc::invalid_argument, "--web.listen-address \"" + listen + "\" is not ADDRESS:PORT");
    std::string address = listen.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    return exporters::WebServerOptions{.address = std::move(address),
                                       .port = static_cast<std::uint16_t>(port),
                                       .agent_version = AUTOTUNE_VERSION};
}

Status open_store(Loop& loop, const RunOptions& options, const Decorators& decorators) {
    auto store = SqliteStore::open(store_file(options.state));
    if (!store) return store.forward();
    loop.real_store = std::move(*store);
    if (decorators.store) loop.store_decorator = decorators.store(*loop.real_store);
    return ok();
}

Status reach_platform(Loop& loop, const Decorators& decorators) {
    auto lambda = options_from_environment();
    if (!lambda) return lambda.forward();
    say("steering the functions of " + lambda->endpoint);
    loop.real_provider = std::make_unique<AwsLambda>(std::move(*lambda), loop.clock);
    if (decorators.provider) loop.provider_decorator = decorators.provider(*loop.real_provider);
    return ok();
}

// With the same credentials.
Result<std::unique_ptr<Provider>> reach(const Place& place, const Clock& clock) {
    const auto variable = [&](const char* name) -> const char* {
        const std::string_view asked = name;
        if (asked == "AWS_ENDPOINT_URL_LAMBDA") return place.endpoint.c_str();
        if (asked == "AWS_ENDPOINT_URL") return nullptr;
        if (asked == "AWS_REGION") return place.region.c_str();
        return std::getenv(name);
    };
    auto options = options_from(variable);
    if (!options) return options.forward();
    return std::unique_ptr<Provider>(std::make_unique<AwsLambda>(std::move(*options), clock));
}

Status open_desk(Loop& loop, const RunOptions& options) {
    auto lambda = options_from_environment();
    if (!lambda) return lambda.forward();
    lambda->give_up = [&loop] { return loop.desk_closes.load(); };
    loop.asked_for_code = std::make_unique<AwsLambda>(std::move(*lambda), loop.clock);
    const RegroupPlace place{.provider = *loop.asked_for_code,
                             .state = options.state,
                             .packages = groups_folder(options.state),
                             .alias = options.alias};
    loop.desk = std::make_unique<RegroupDesk>(
        loop.clock,
        [place](const FunctionRef& function, const rules::ReclusterStep& step) { return regroup(place, function, step); },
        [&loop] { loop.desk_closes = true; });
    return ok();
}

Status start_web(Loop& loop, const RunOptions& options) {
    auto web = web_options(options.listen);
    if (!web) return web.forward();
    auto server = exporters::WebServer::start(std::move(*web));
    if (!server) return server.forward();
    loop.web = std::move(*server);
    add_pages(*loop.web, loop.metrics, options.state, loop.graph_asked);
    return ok();
}

Result<std::vector<Sink*>> make_sinks(Loop& loop, const RunOptions& options) {
    loop.notifier = std::make_unique<exporters::StdoutNotifier>(loop.clock);
    std::vector<Sink*> sinks{&loop.metrics, loop.notifier.get()};
    for (const std::string& text : options.notify) {
        auto target = exporters::parse_target(text);
        if (!target) return target.forward("--notify");
        auto notifier = exporters::WebhookNotifier::create(loop.clock, {.target = std::move(*target)});
        if (!notifier) return notifier.forward();
        loop.targets.push_back(std::move(*notifier));
        sinks.push_back(loop.targets.back().get());
    }
    return sinks;
}

AgentHealth health_of(const Loop& loop) {
    AgentHealth health = loop.monitor.health();
    for (const auto& target : loop.targets) health.notifications_dropped += target->counts().dropped;
    return health;
}

Status compose(Loop& loop, const RunOptions& options, const Decorators& decorators) {
    auto price = price_of(options.tariff);
    if (!price) return fail(Errc::invalid_argument, "--tariff: " + price.error().message);
    if (Status s = open_store(loop, options, decorators); !s) return s;
    if (Status s = reach_platform(loop, decorators); !s) return s;
    if (Status s = open_desk(loop, options); !s) return s;
    auto sinks = make_sinks(loop, options);
    if (!sinks) return sinks.forward();
    KnowledgeStore& store =
        loop.store_decorator ? *loop.store_decorator : static_cast<KnowledgeStore&>(*loop.real_store);
    Provider& provider =
        loop.provider_decorator ? *loop.provider_decorator : static_cast<Provider&>(*loop.real_provider);
    auto name = agent_name(options.state);
    if (!name) return name.forward();
    loop.executor =
        std::make_unique<Executor>(provider, store, loop.clock,
                                   ExecutorOptions{.alias = options.alias,
                                                   .layer = remedy_layer(),
                                                   .reach = [&loop](const Place& place) { return reach(place, loop.clock); },
                                                   .owner = options.lease > Nanos(0) ? *std::move(name) : "",
                                                   .lease = options.lease,
                                                   .lease_settle = options.lease_settle});
    loop.reports = std::make_unique<Reports>(ReportOptions{.folder = options.state});
    if (black_box::Recorder* recorder = loop.monitor.recorder())
        loop.black_boxes = std::make_unique<BlackBoxes>(*recorder, black_box_folder(options.state));
    loop.pipeline = std::make_unique<Pipeline>(
        PipelineParts{.clock = loop.clock,
                      .sources = loop.monitor.sources(),
                      .analyzer = loop.analyzer,
                      .rules = loop.rules,
                      .provider = provider,
                      .store = store,
                      .executor = *loop.executor,
                      .sinks = std::move(*sinks),
                      .health = [&loop] { return health_of(loop); },
                      .hears_calls = [&loop] { return loop.monitor.hears_calls(); },
                      .owners = &loop.owners,
                      .black_boxes = loop.black_boxes.get(),
                      .regrouper = [&loop](const FunctionRef& f, const rules::ReclusterStep& s) { return loop.desk->ask(f, s); },
                      .complain = say},
        PipelineOptions{.mode = options.mode,
                        .flame_folder = flame_folder(std::filesystem::absolute(options.state)).string(),
                        .approvals = approvals_folder(options.state),
                        .deployments = deployments_folder(options.state),
                        .groups = groups_folder(options.state),
                        .rollbacks = rollbacks_folder(options.state),
                        .applications = applications_folder(options.state),
                        .price = *std::move(price)});
    say(std::string(to_string(options.mode)) + " mode, " + std::to_string(loop.rules.rules.size()) +
        " rules; serving http://" + options.listen.substr(0, options.listen.rfind(':')) + ":" +
        std::to_string(loop.web->port()) + "/");
    return ok();
}

void turn_until_stopped(Loop& loop) {
    constexpr Nanos kWait = std::chrono::milliseconds(200);  // at most; events end it
    while (g_stop == 0) {
        loop.pipeline->step(kWait);
        loop.monitor.keep_budget(loop.clock.now(), !loop.executor->open().empty(), say);
        if (Status s = loop.reports->update(loop.analyzer, loop.pipeline->tables(), loop.clock.now()); !s)
            loop.monitor.note(s.error().message, say);
        loop.listeners.find_strangers(loop.owners, 1);  // a turn: each takes milliseconds
        if (Status s = loop.reports->update_page(loop.owners, loop.clock.now(), loop.graph_asked.exchange(false)); !s)
            loop.monitor.note(s.error().message, say);
    }
    loop.pipeline->flush();
    if (Status s = loop.reports->flush(loop.analyzer, loop.pipeline->tables(), loop.clock.now()); !s)
        say(s.error().message);
    loop.owners.settle();
    if (Status s = loop.reports->flush_page(loop.owners, loop.clock.now()); !s) say(s.error().message);
}

int refuse(const Error& error) {
    say(error.message);
    return error.code == Errc::invalid_argument ? kUsage : kFailed;
}

}  // namespace

int run_loop(const RunOptions& options, const Decorators& decorators) {
    stop_on_signals();
    Loop loop;
    auto rules = load_rules_file(options.rules.string());
    if (!rules) return say(rules.error().message), kUsage;
    if (!rules->rules) return kUsage;  // it was said why
    loop.rules = std::move(*rules->rules);
    // First what costs nothing to refuse.
    if (Status s = start_web(loop, options); !s) return refuse(s.error());
    loop.monitor.start({.cgroups = options.cgroups, .sample_hz = options.sample_hz, .budget = options.budget},
                       say);
    if (Status s = compose(loop, options, decorators); !s) return refuse(s.error());
    if (Status s = loop.pipeline->start(); !s) return say(s.error().message), kFailed;
    loop.pipeline->step(Nanos(0));  // takes up who waits for work already: their next call is heard from here on
    if (loop.monitor.attached())
        loop.web->set_ready();
    else
        loop.web->set_not_ready("no " + loop.monitor.health().missing.front() + "; see autotune doctor");
    turn_until_stopped(loop);
    say("stopped; changes under way go on at the next start");
    return kDone;
}

}  // namespace autotune::cli
