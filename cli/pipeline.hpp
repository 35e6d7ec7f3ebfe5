// Pipeline: the loop. Carries values from room to room; step() is one turn of it.
//
// The composition root gives it everything; it owns nothing but what lies between two turns. One
// thread. What fails in one turn (a sink, the store, the platform) is told once and tried again: the
// loop ends only when start() fails or the caller stops calling step().
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/analyzer.hpp"
#include "analyzer/owner/owner_topology.hpp"
#include "cli/black_boxes.hpp"
#include "cli/diagnosis.hpp"
#include "cli/left_actions.hpp"
#include "cli/refusal_log.hpp"
#include "cli/trials.hpp"
#include "core/event_source.hpp"
#include "core/knowledge_store.hpp"
#include "core/provider.hpp"
#include "core/sink.hpp"
#include "core/time.hpp"
#include "providers/executor.hpp"
#include "rules/engine.hpp"
#include "rules/rule_set.hpp"

namespace autotune::cli {

struct PipelineOptions {
    Mode mode = Mode::dry_run;
    Nanos evaluation = std::chrono::seconds(1);    // rules this often unless facts are dear, and at once on a kill
    Nanos publication = std::chrono::seconds(1);   // sinks at least this often
    Nanos observation = std::chrono::seconds(1);   // the platform is asked what became of calls
    Nanos retention = std::chrono::hours(24 * 7);  // of invocations in the store
    std::string flame_folder;                      // where evidence will be found; "" = none is written
    std::filesystem::path approvals;               // folder where people leave them; "" = none is taken
    std::filesystem::path deployments;             // likewise
    std::filesystem::path groups;                  // folder of what the regrouper made; "" = it makes nothing
    std::filesystem::path rollbacks;               // likewise
    std::filesystem::path applications;            // likewise: of autotune apply
    std::optional<Price> price = {};               // for what people are told; unset: nothing is known of money
};

// All outlive the pipeline.
struct PipelineParts {
    const Clock& clock;
    std::vector<EventSource*> sources;  // the first one is waited for
    Analyzer& analyzer;
    const rules::RuleSet& rules;
    Provider& provider;
    KnowledgeStore& store;
    Executor& executor;
    std::vector<Sink*> sinks;
    std::function<AgentHealth()> health;
    std::function<bool()> hears_calls;  // whether calls of functions are told now; null: they always are
    OwnerTopology* owners = nullptr;    // who calls whom; null: nobody looks
    BlackBoxes* black_boxes = nullptr;  // of killed processes; null: none are written down
    rules::Regrouper regrouper = {};    // null: nothing is fused or split
    std::function<void(const std::string&)> complain;  // a sentence for people; the same one once an hour
};

class Pipeline {
public:
    Pipeline(PipelineParts parts, PipelineOptions options);

    // Takes up what an earlier run left unfinished. Errors: the store's or the platform's.
    Status start();

    // One turn: waits at most `wait` for events, then does everything that follows from them.
    void step(Nanos wait);

    // Before it is destroyed: stores what was not stored yet.
    void flush();

    // Tables and analyzer results for reports; valid between turns.
    [[nodiscard]] const Tables& tables() const { return batch_.tables; }

private:
    Poll poll(Nanos wait);
    void ingest(const Poll& polled);
    void evaluate();
    void begin(const Action& action, WallTime planned);
    void add_evidence(Action& action, WallTime now);
    void take_approvals(const rules::Situation& now);
    void take_left(const std::vector<LeftAction>& all, const rules::Situation& now);
    void take_deployments(const rules::Situation& now);
    [[nodiscard]] std::vector<std::string> packages_needed() const;
    void take_rollbacks();
    void held_back(const Action& action, const std::string& what, const std::string& why);
    void did_not_begin(const Action& action, const Error& error, const std::string& what);
    void not_taken_back(ChangeId id, const Error& error);
    void note_refusals(const Plan& plan, WallTime now);
    Result<bool> was_begun_before(const Action& asked);
    void take_outcomes();
    void observe();
    void judge();
    void mark_unheard(std::vector<Invocation>& finished);
    void remember(const std::vector<Invocation>& finished);
    void save(Timestamp now);
    void publish(const std::vector<Invocation>& finished);

    [[nodiscard]] bool due(const Poll& polled) const;
    std::vector<rules::WindowFacts> window_facts();
    void add_labels(std::vector<FunctionFacts>& functions);
    void refresh_history();
    void check(const Status& status);

    PipelineParts parts_;
    PipelineOptions options_;
    std::vector<Nanos> windows_;
    bool rules_use_labels_ = false;
    std::map<std::string, Capabilities> platforms_;

    EventBatch batch_;
    Trials trials_;
    RefusalLog refusals_;
    rules::EngineState engine_;
    rules::Memo memo_;
    rules::History history_;
    std::map<FunctionRef, std::map<std::string, std::string>> labels_;
    std::vector<Invocation> unsaved_;        // the store refused them; bounded
    std::vector<rules::WindowFacts> facts_;  // of the last evaluation
    std::optional<Plan> plan_;               // since the last publication
    std::vector<Invocation> unpublished_;
    std::vector<Outcome> outcomes_;          // not yet published
    bool executing_ = false;                 // some change can go on at once
    std::map<std::string, Timestamp> told_;  // complaints of the last hour, by what they say
    Nanos facts_took_{0};
    bool platform_tells_ = true;             // what becomes of calls; until it says that it does not
    std::string observed_until_;             // Observations::next
    std::uint64_t observations_missed_ = 0;
    Timestamp observed_;
    Timestamp told_until_;  // the analyzer has all that happened before
    Nanos observe_again_{0};                 // so long after that
    Timestamp began_, evaluated_, published_, saved_, forgotten_;
    Timestamp unheard_ = Timestamp::min();  // when calls were last known not to be told
};

}  // namespace autotune::cli
