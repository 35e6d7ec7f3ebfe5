// World: a platform, a journal and a clock that outlive any number of executors, and the pipeline's part:
// it steps, gives the verdict once a change is observing, and lets time pass when all wait.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "fake_platform.hpp"
#include "fakes.hpp"
#include "providers/executor.hpp"

namespace autotune::test {

inline Action oom_bump(std::uint32_t to_mb = 256) {
    Action a;
    a.target = {"fake", "orders"};
    a.change = Resize{128, to_mb};
    a.rule = "out-of-memory";
    a.mode = Mode::apply;
    a.canary = CanaryPolicy{};
    return a;
}

inline Action put_cache() {
    Action a = oom_bump();
    a.change = Wrap{.remedy = "cache", .settings = R"({"ttl_s":60})", .words = "cache", .timeout = {}, .layer = {}, .handler = {}};
    a.rule = "data-latency";
    return a;
}

inline Action reserve_more() {
    Action a = oom_bump();
    a.change = Reserve{.from = 1, .to = 3, .before = {.calls = 40, .bad = 20}};
    a.rule = "throttled";
    return a;
}

inline Action keep_some_warm() {
    Action a = oom_bump();
    a.change = KeepWarm{.alias = {}, .from = {}, .to = 3, .before = {.calls = 40, .bad = 20}};
    a.rule = "cold-starts";
    return a;
}

// Of a file that holds "new code".
inline Action deploy_code(const std::string& file) {
    Action a = oom_bump();
    a.change = Deploy{.code_hash = "new code", .package = file, .words = "app.zip"};
    a.rule = "deploy";
    return a;
}

// The same of a file that is there.
inline Action deploy_new_code() {
    struct File {
        std::string path = ::testing::TempDir() + "autotune-new-code-" + std::to_string(getpid());
        File() { std::ofstream(path) << "new code"; }
        ~File() { (void)std::remove(path.c_str()); }
    };
    static const File file;
    return deploy_code(file.path);
}

struct World {
    explicit World(KnowledgeStore& journal) : store(journal) {}

    FakePlatform platform;
    HookedStore store;
    FakeClock clock;
    std::unique_ptr<Executor> executor;
    std::vector<Outcome> outcomes;
    Action action = oom_bump();  // what live_through() lives through

    void boot() {
        ExecutorOptions options;
        options.layer = {.name = "autotune-remedy-12ab", .description = {}, .zip = "zip", .runtimes = {}};
        executor = std::make_unique<Executor>(platform, store, clock, std::move(options));
        ASSERT_TRUE(executor->recover());
    }

    [[nodiscard]] static JudgeReport report_of(Disposition verdict) {
        JudgeReport report;
        report.pairs = 42;
        report.reason = "the judge says " + std::string(to_string(verdict));
        return report;
    }

    // Until nothing is open, or a change is observing and there is no verdict.
    void run(std::optional<Disposition> verdict) {
        for (int i = 0; i < 500 && !executor->open().empty(); ++i) {
            const ChangeRecord change = executor->open().front();
            if (change.step == Step::observing) {
                if (!verdict) return;
                (void)executor->decide(change.id, report_of(*verdict), *verdict);
            }
            if (!executor->step()) clock.advance(std::chrono::minutes(1));
            for (Outcome& o : executor->take_outcomes()) outcomes.push_back(std::move(o));
        }
    }

    // Boots, starts and runs to the end; whenever the process "dies", boots again and goes on.
    void live_through(Disposition verdict) {
        bool started = false;
        for (int lives = 0; lives < 5; ++lives) {
            try {
                boot();
                if (!started) {
                    started = true;
                    (void)executor->start(action);
                }
                run(verdict);
                return;
            } catch (const Crash&) {
                executor.reset();
            }
        }
        FAIL() << "it never came to an end";
    }

    [[nodiscard]] bool fully_old() const {
        return platform.reservation() == 1 && !platform.warm() && platform.alias().stable == "1" && !platform.alias().candidate &&
               platform.alias().weight == 0 &&
               platform.head() == Tuning{128, std::chrono::seconds(3), "app.handler", {}, "old code", ""} &&
               platform.environment() == std::map<std::string, std::string>{{"SECRET", "s"}};
    }
    [[nodiscard]] bool fully_new() const {
        if (std::holds_alternative<Deploy>(action.change))
            return platform.alias().stable == "2" && !platform.alias().candidate &&
                   platform.head() == platform.tuned("2") &&
                   platform.head() == Tuning{128, std::chrono::seconds(3), "app.handler", {}, "new code", ""};
        if (std::holds_alternative<Reserve>(action.change))
            return platform.reservation() == 3 && platform.alias().stable == "1" && platform.head_memory() == 128;
        if (std::holds_alternative<KeepWarm>(action.change))
            return platform.warm() == 3 && platform.alias().stable == "1" && platform.head_memory() == 128;
        if (std::holds_alternative<Wrap>(action.change))
            return platform.alias().stable == "2" && !platform.alias().candidate &&
                   platform.head() == platform.tuned("2") && platform.head().memory_mb == 128 &&
                   platform.head().handler == "autotune_remedy.handler" &&
                   platform.head().layers ==
                       std::vector<std::string>{"arn:aws:lambda:r:1:layer:autotune-remedy-12ab:1"} &&
                   platform.environment().at("SECRET") == "s" &&
                   platform.head().remedy ==
                       R"({"handler":"app.handler","remedies":{"cache":{"ttl_s":60}},"timeout_s":3})";
        return platform.alias().stable == "2" && !platform.alias().candidate &&
               platform.alias().weight == 0 && platform.head_memory() == 256 &&
               platform.memory_of("2") == 256;
    }
    [[nodiscard]] std::string told() const {
        std::string text;
        for (const std::string& e : platform.effects) text += e + "; ";
        for (const Outcome& o : outcomes)
            text += std::string(to_string(o.disposition)) + " " + o.detail + "; ";
        return text;
    }
};

}  // namespace autotune::test
