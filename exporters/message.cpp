#include "exporters/message.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace autotune::exporters {
namespace {

std::string with_decimals(double value, int decimals) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

std::string share(std::uint64_t part, std::uint64_t whole) {
    return std::to_string(part) + " of " + std::to_string(whole);
}

std::string versions_clause(const Outcome& outcome) {
    return outcome.candidate.empty() ? "" : " (version " + outcome.candidate + ")";
}

// What the judge saw, as a clause: "41 pairs, canary failed 0 of 41 calls, before 12 of 60, p95 …".
std::string proof(const JudgeReport& judged) {
    std::string text = std::to_string(judged.pairs) + (judged.pairs == 1 ? " pair" : " pairs") +
                       " of calls compared; the new version failed " +
                       share(judged.canary_failures, judged.canary_calls) + ", the old one " +
                       share(judged.baseline_failures, judged.baseline_calls);
    if (judged.canary_p95 > Nanos(0) && judged.baseline_p95 > Nanos(0))
        text += "; p95 " + with_decimals(to_ms(judged.canary_p95), 1) + " ms against " +
                with_decimals(to_ms(judged.baseline_p95), 1) + " ms";
    if (!judged.reason.empty()) text += "; " + judged.reason;
    return text;
}

std::string done_about_it(const Outcome& outcome) {
    const std::string what = describe(outcome.action.change) + versions_clause(outcome);
    std::string text;
    const bool of_version = makes_version(outcome.action.change);
    const std::string old = of_version ? "the old version serves" : "it is as it was before";
    switch (outcome.disposition) {
        case Disposition::promoted: text = what + (of_version ? " now serves all calls" : " stays"); break;
        case Disposition::rolled_back: text = what + " did harm and was rolled back; " + old; break;
        case Disposition::reverted: text = what + " could not be proved in time and was reverted; " + old; break;
        case Disposition::failed:
            text = what + " did not get through; unless it says otherwise here, the old state was restored";
            break;
        case Disposition::waiting: text = what + " waits for an approval; nothing was changed yet"; break;
        default: text = "nothing was changed: this rule only tells"; break;
    }
    if (outcome.judged) text += ": " + (of_version ? proof(*outcome.judged) : outcome.judged->reason);
    return text;
}

// Remedies that rules name by one word, as a sentence for those who meet the word for the first time.
std::string suggestion(const Notify& notify) {
    static constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
        {"map-reduce", "split the input and process the parts in invocations of their own (map-reduce)"},
        {"cache", "keep what is fetched again and again (cache)"},
        {"relocate", "run the function near the data it waits for (relocate)"},
        {"split", "give the heavy part a function of its own (split)"},
        {"handover", "save progress before the deadline and go on in a new invocation (handover)"},
    };
    for (const auto& [word, sentence] : kKnown)
        if (notify.suggest == word) return std::string(sentence);
    return notify.suggest;
}

std::string next_step(Disposition disposition) {
    switch (disposition) {
        case Disposition::rolled_back:
            return "the remedy was the wrong one: look at the evidence for the cause, or let the rule try "
                   "another plan";
        case Disposition::reverted:
            return "send it more traffic, or give it a longer horizon or wider margins";
        case Disposition::waiting:
            return "look at its requests with autotune history or explain, then approve it";
        case Disposition::failed: return "see what the platform answered, then let the rule try again";
        default: return "";
    }
}

std::string ending(const Outcome& outcome) {
    const std::string what = describe(outcome.action.change);
    switch (outcome.disposition) {
        case Disposition::promoted: return what + " was proved and promoted";
        case Disposition::rolled_back: return what + " was rolled back";
        case Disposition::reverted: return what + " was reverted without proof";
        case Disposition::waiting: return what + " waits for an approval";
        default: return what + " failed";
    }
}

Severity severity_of(Disposition disposition) {
    switch (disposition) {
        case Disposition::promoted: return Severity::info;
        case Disposition::failed: return Severity::critical;
        default: return Severity::warning;
    }
}

bool worth_telling(Disposition disposition) {
    switch (disposition) {
        case Disposition::promoted:
        case Disposition::rolled_back:
        case Disposition::reverted:
        case Disposition::failed:
        case Disposition::waiting:
        case Disposition::notified: return true;
        case Disposition::planned:
        case Disposition::refused:
        case Disposition::in_progress: return false;
    }
    return false;
}

void add_line(std::string& text, std::string_view label, std::string_view value) {
    if (value.empty()) return;
    std::array<char, 32> head{};
    std::snprintf(head.data(), head.size(), "  %-9.*s ", static_cast<int>(label.size()), label.data());
    text.append(head.data()).append(value).append("\n");
}

}  // namespace

std::optional<Message> message_of(const Outcome& outcome, TwoClocks clocks) {
    if (!worth_telling(outcome.disposition)) return std::nullopt;
    const Action& action = outcome.action;
    const Evidence& evidence = action.evidence;
    const auto wall = [&](Timestamp t) {
        return evidence.wall_to != WallTime{} ? evidence.wall(t) : clocks.wall + (t - clocks.now);
    };

    Message m;
    m.function = action.target;
    m.rule = action.rule;
    m.because = action.because;
    m.at = outcome.at;
    if (to_ns(evidence.from) > 0) m.since = wall(evidence.from);
    if (evidence.kill_time) m.kill_time = wall(*evidence.kill_time);
    m.facts = evidence.facts;
    m.hottest_frame = evidence.hottest_frame;
    m.flame_graph = evidence.flame_graph;
    m.culprit = evidence.culprit;
    m.black_box = evidence.black_box;
    m.differed = evidence.differed;
    m.runbook = action.runbook;
    m.done = done_about_it(outcome);
    if (!outcome.detail.empty() && outcome.disposition != Disposition::notified)
        m.done += " — " + outcome.detail;

    const auto* notify = std::get_if<Notify>(&action.change);
    if (outcome.disposition == Disposition::notified) {
        m.topic = Topic::symptom;
        m.severity = notify != nullptr ? notify->severity : Severity::warning;
        m.title = action.target.name + ": " + (action.because.empty() ? action.rule : action.because);
        m.suggestion = notify != nullptr ? suggestion(*notify) : "";
    } else {
        m.topic = Topic::change;
        m.severity = severity_of(outcome.disposition);
        m.resolved = outcome.disposition == Disposition::promoted;
        m.title = action.target.name + ": " + ending(outcome);
        m.suggestion = next_step(outcome.disposition);
    }
    return m;
}

std::string to_text(const Message& m) {
    std::string text = "[" + std::string(to_string(m.severity)) + "] " + m.title + "\n";
    if (m.topic == Topic::change) add_line(text, "because", m.because);
    if (m.since) add_line(text, "since", to_rfc3339(*m.since));
    std::string_view label = "evidence";
    const auto evidence = [&](std::string_view value) {
        if (value.empty()) return;
        add_line(text, label, value);
        label = "";  // the label stands at the first line only
    };
    for (const auto& [name, value] : m.facts) evidence(name + " = " + value);
    if (m.kill_time) evidence("killed at " + to_rfc3339(*m.kill_time));
    if (!m.culprit.empty()) evidence("it was at " + m.culprit);
    if (!m.black_box.empty()) evidence("black box: autotune profile --black-box " + m.black_box);
    if (!m.differed.empty()) evidence("the same input was answered otherwise by " + m.differed);
    if (!m.hottest_frame.empty()) evidence("hottest frame: " + m.hottest_frame);
    if (!m.flame_graph.empty()) evidence("flame graph: " + m.flame_graph);
    add_line(text, "consider", m.suggestion);
    add_line(text, "done", m.done);
    add_line(text, "rule", m.rule);
    add_line(text, "runbook", m.runbook);
    return text + "\n";
}

}  // namespace autotune::exporters
