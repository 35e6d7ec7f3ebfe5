#include "cli/pipeline.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "cli/deployments.hpp"

namespace autotune::cli {

namespace {
constexpr std::size_t kMostUnsaved = 100'000;  // invocations kept while the store refuses them
constexpr std::size_t kManyUnsaved = 1'000;
constexpr Nanos kSaveEvery = std::chrono::milliseconds(500);  // a transaction costs as much as many rows
constexpr std::int64_t kEvaluationRest = 2'000;  // an evaluation takes at most such a part of the time, see due()
constexpr Nanos kLatestEvaluation = std::chrono::seconds(10);
constexpr Nanos kLatestObservation = std::chrono::minutes(1);  // where the platform fails
constexpr Nanos kForgetEvery = std::chrono::hours(1);
constexpr Nanos kTellAgain = std::chrono::hours(1);  // a trouble that lasts, or that came back
}  // namespace

Pipeline::Pipeline(PipelineParts parts, PipelineOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      windows_(rules::windows(parts_.rules)),
      trials_(parts_.store),
      refusals_(parts_.store) {
    rules_use_labels_ = std::any_of(parts_.rules.rules.begin(), parts_.rules.rules.end(),
                                    [](const rules::Rule& r) { return !r.scope.labels.empty(); });
    platforms_[std::string(parts_.provider.name())] = parts_.provider.capabilities();
}

Status Pipeline::start() {
    if (Status s = parts_.executor.recover(); !s) return s;
    refresh_history();
    check(refusals_.load(parts_.clock.wall()));
    began_ = evaluated_ = published_ = forgotten_ = parts_.clock.now();
    return ok();
}

void Pipeline::step(Nanos wait) {
    const Poll polled = poll(executing_ ? Nanos(0) : wait);
    ingest(polled);
    std::vector<Invocation> finished = parts_.analyzer.take_finished();
    mark_unheard(finished);
    if (parts_.black_boxes != nullptr) check(parts_.black_boxes->join(finished));
    check(trials_.follow(parts_.executor.open()));
    trials_.add(finished);
    observe();
    if (due(polled)) evaluate();
    judge();
    executing_ = parts_.executor.step();
    remember(finished);
    publish(finished);
}

Poll Pipeline::poll(Nanos wait) {
    Poll all;
    if (parts_.sources.empty()) std::this_thread::sleep_for(wait);
    for (EventSource* source : parts_.sources) {
        auto polled = source->poll(source == parts_.sources.front() ? wait : Nanos(0), batch_);
        if (!polled) {
            check(polled.forward());
            continue;
        }
        all.urgent |= polled->urgent;
        if (polled->told_until) all.told_until = std::min(all.told_until.value_or(Timestamp::max()), *polled->told_until);
        if (polled->state == PollState::ready) all.state = PollState::ready;
    }
    return all;
}

void Pipeline::ingest(const Poll& polled) {
    if (parts_.black_boxes != nullptr) parts_.black_boxes->listen(batch_.events);
    if (parts_.owners != nullptr) parts_.owners->ingest(batch_);
    // A source that does not know has told everything; one that fails for once tells the rest later.
    told_until_ = std::max(told_until_, polled.told_until.value_or(parts_.clock.now()));
    parts_.analyzer.ingest(batch_, {told_until_, wall_at(parts_.clock, told_until_)});
    batch_.events.clear();
}

// What does not reach a sandbox no agent sees; and of what does it reads the heads only.
void Pipeline::observe() {
    const Timestamp now = parts_.clock.now();
    if (!platform_tells_ || (observed_ != Timestamp() && now - observed_ < observe_again_)) return;
    for (bool more = true; more;) {
        const auto told = parts_.provider.observe(observed_until_);
        if (!told) {
            platform_tells_ = told.error().code != Errc::unsupported;
            if (platform_tells_) check(told.forward());
            // One that does not answer holds the loop up for as long as it is waited for.
            observed_ = parts_.clock.now();
            observe_again_ = std::clamp(2 * observe_again_, options_.observation, kLatestObservation);
            return;
        }
        observed_until_ = told->next;
        observations_missed_ += told->missed;
        parts_.analyzer.observe(*told, {parts_.clock.now(), parts_.clock.wall()});
        trials_.add(told->throttled);
        more = told->more;
    }
    observed_ = now;
    observe_again_ = options_.observation;
}

bool Pipeline::due(const Poll& polled) const {
    // Facts over long windows of busy functions cost; a kill does not wait for that.
    const Nanos every = std::max(options_.evaluation, std::min(kEvaluationRest * facts_took_, kLatestEvaluation));
    return polled.urgent || parts_.clock.now() - evaluated_ >= every;
}

void Pipeline::evaluate() {
    evaluated_ = parts_.clock.now();
    facts_ = window_facts();
    facts_took_ = parts_.clock.now() - evaluated_;
    rules::Situation now{.facts = facts_,
                         .history = &history_,
                         .platforms = &platforms_,
                         .mode = options_.mode,
                         .now = parts_.clock.wall(),
                         .memo = &memo_,
                         .regrouper = &parts_.regrouper};
    take_approvals(now);
    take_rollbacks();
    take_deployments(now);
    if (!options_.applications.empty()) take_left(actions_in(options_.applications), now);
    Plan plan = rules::evaluate(parts_.rules, engine_, now);
    note_refusals(plan, now.now);
    for (Action& action : plan.actions) {
        add_evidence(action, now.now);
        begin(action, now.now);
    }
    if (!plan.actions.empty()) refresh_history();
    if (!plan_) plan_.emplace();
    std::move(plan.actions.begin(), plan.actions.end(), std::back_inserter(plan_->actions));
    std::move(plan.refused.begin(), plan.refused.end(), std::back_inserter(plan_->refused));
}

// What the engine cannot know: files, black boxes, money.
void Pipeline::add_evidence(Action& action, WallTime now) {
    Evidence& evidence = action.evidence;
    const std::string& name = action.target.name;
    if (!options_.flame_folder.empty()) evidence.flame_graph = options_.flame_folder + "/" + name + ".svg";
    if (parts_.black_boxes != nullptr && evidence.kill_time) {
        const BlackBoxes::Last last = parts_.black_boxes->last_of(name);
        evidence.culprit = last.culprit;
        evidence.black_box = last.invocation;
    }
    const AgentHealth health = parts_.health();
    Seen seen{.facts = nullptr,
              .boxes = std::nullopt,
              .health = &health,
              .price = options_.price ? &*options_.price : nullptr,
              .rules_file = parts_.rules.file,
              .window = evidence.to - evidence.from,
              .state = options_.groups.parent_path().string()};
    for (const rules::WindowFacts& window : facts_)
        for (const FunctionFacts& facts : window.functions)
            if (window.window == seen.window && facts.function == action.target) seen.facts = &facts;
    if (parts_.black_boxes != nullptr) seen.boxes = parts_.black_boxes->count_since(name, evidence.from);
    Nanos slow_over{0};
    if (seen.facts != nullptr) {
        const rules::SloValues slo = rules::slo_of(parts_.rules, *seen.facts);
        for (const auto which : {rules::SloFact::p50, rules::SloFact::p99, rules::SloFact::p95})
            if (const auto* limit = std::get_if<Nanos>(&slo[static_cast<std::size_t>(which)])) slow_over = *limit;
    }
    evidence.impact = parts_.analyzer.impact(action.target, seen.window, evidence.to, slow_over);
    evidence.impact->watched = std::min(seen.window, std::max(evidence.to - began_, Nanos(std::chrono::seconds(1))));
    action.refused = refusals_.lately(action.target, action.rule, now);
    diagnose(action, seen);
}

void Pipeline::note_refusals(const Plan& plan, WallTime now) {
    for (const auto* some : {&plan.refused, &plan.still_refused})
        for (const Refusal& refusal : *some) refusals_.add(refusal, now);
    check(refusals_.write());
}

void Pipeline::begin(const Action& action, WallTime planned) {
    const auto started = parts_.executor.start(action);
    if (!started) {
        rules::not_begun(engine_, action, planned, rules::kRetryAfter);
        return did_not_begin(action, started.error(), action.target.name + ": " + describe(action.change));
    }
    executing_ |= started->has_value();
    take_outcomes();
    if (!*started && !outcomes_.empty() && outcomes_.back().disposition == Disposition::refused)
        rules::not_begun(engine_, action, planned, rules::kRefusedRest);
}

void Pipeline::take_outcomes() {
    std::vector<Outcome> more = parts_.executor.take_outcomes();
    std::move(more.begin(), more.end(), std::back_inserter(outcomes_));
}

std::vector<rules::WindowFacts> Pipeline::window_facts() {
    std::vector<rules::WindowFacts> all;
    for (const Nanos window : windows_) {
        all.push_back({window, parts_.analyzer.facts(window, evaluated_)});
        if (rules_use_labels_) add_labels(all.back().functions);
    }
    return all;
}

// A function whose labels cannot be read has none: a rule that asks for one does not touch it.
void Pipeline::add_labels(std::vector<FunctionFacts>& functions) {
    for (FunctionFacts& f : functions) {
        if (f.function.provider != parts_.provider.name()) continue;  // served by some process: nobody labels it
        if (!labels_.contains(f.function)) {
            auto state = parts_.provider.get(f.function);
            if (!state) {
                check(state.forward("reading labels of " + f.function.name));
                continue;
            }
            labels_[f.function] = std::move(state->labels);
        }
        f.labels = labels_[f.function];
    }
}

void Pipeline::judge() {
    const std::span<const ChangeRecord> open = parts_.executor.open();
    std::vector<std::pair<ChangeRecord, JudgeReport>> reports;
    for (const ChangeRecord& change : open)
        if (auto report = trials_.judge(change, parts_.clock.wall()))
            reports.emplace_back(change, std::move(*report));
    for (const auto& [change, report] : reports) {
        const auto how = verdict(report, *change.action.canary);
        if (!how) {
            parts_.executor.note(change.id, report);
        } else if (Status decided = parts_.executor.decide(change.id, report, *how); !decided) {
            check(decided);
            trials_.ask_again(change.id);
        }
    }
}

// Without a word of calls it would look as if there had been none.
void Pipeline::mark_unheard(std::vector<Invocation>& finished) {
    if (parts_.hears_calls && !parts_.hears_calls()) unheard_ = parts_.clock.now();
    for (Invocation& i : finished) i.calls_are_known &= i.start > unheard_;
}

void Pipeline::remember(const std::vector<Invocation>& finished) {
    unsaved_.insert(unsaved_.end(), finished.begin(), finished.end());
    const Timestamp now = parts_.clock.now();
    if (unsaved_.size() >= kManyUnsaved || now - saved_ >= kSaveEvery) save(now);
    if (now - forgotten_ < kForgetEvery) return;
    forgotten_ = now;
    labels_.clear();
    if (!options_.groups.empty()) sweep_groups(options_.groups, packages_needed());
    check(parts_.store.forget(parts_.clock.wall() - options_.retention));
}

void Pipeline::save(Timestamp now) {
    if (unsaved_.empty()) return;
    saved_ = now;
    const Status saved = parts_.store.append(unsaved_);
    check(saved);
    if (saved) unsaved_.clear();
    if (unsaved_.size() > kMostUnsaved) unsaved_.erase(unsaved_.begin(), unsaved_.end() - kMostUnsaved);
}

void Pipeline::flush() { save(parts_.clock.now()); }

void Pipeline::publish(const std::vector<Invocation>& finished) {
    unpublished_.insert(unpublished_.end(), finished.begin(), finished.end());
    take_outcomes();
    if (!outcomes_.empty()) refresh_history();
    const Timestamp now = parts_.clock.now();
    if (outcomes_.empty() && now - published_ < options_.publication) return;
    published_ = now;
    AgentHealth health = parts_.health();
    if (platform_tells_) health.lost["observations"] = observations_missed_;
    const std::span<const ChangeRecord> waiting = parts_.executor.waiting(), open = parts_.executor.open();
    std::vector<ChangeRecord> changes(waiting.begin(), waiting.end());
    changes.insert(changes.end(), open.begin(), open.end());
    const Publication publication{
        .at = parts_.clock.wall(),
        .invocations = unpublished_,
        .facts = facts_.empty() ? std::span<const FunctionFacts>() : facts_.front().functions,
        .plan = plan_ ? &*plan_ : nullptr,
        .outcomes = outcomes_,
        .changes = changes,
        .health = &health};
    for (Sink* sink : parts_.sinks) check(sink->publish(publication));
    unpublished_.clear();
    outcomes_.clear();
    plan_.reset();
}

void Pipeline::refresh_history() {
    auto records = parts_.store.changes_since(parts_.clock.wall() - rules::kBumpMemory);
    if (!records) return check(records.forward("reading the journal"));
    history_ = rules::history_from(*records);
}

void Pipeline::check(const Status& status) {
    if (status) return;
    const Timestamp now = parts_.clock.now();
    std::erase_if(told_, [&](const auto& one) { return now - one.second > kTellAgain; });
    if (told_.emplace(status.error().message, now).second) parts_.complain(status.error().message);
}

}  // namespace autotune::cli
