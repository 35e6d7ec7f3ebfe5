#include "exporters/message.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "exporters/redact.hpp"

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
        case Disposition::reverted:
            text = what + (std::holds_alternative<TakeOver>(outcome.action.change)
                               ? ": done; the version serves that did before"
                               : " could not be proved in time and was reverted; " + old);
            break;
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

std::string next_step(const Outcome& outcome) {
    if (std::holds_alternative<TakeOver>(outcome.action.change)) return "see why that agent died, or end what it still does";
    switch (outcome.disposition) {
        case Disposition::rolled_back:
            return "the remedy was the wrong one: look at the evidence for the cause, or let the rule try "
                   "another plan";
        case Disposition::reverted:
            return makes_version(outcome.action.change) ? "send it more traffic, or give it a longer horizon or wider margins"
                                                        : "send it more traffic, or give it a longer horizon";
        case Disposition::waiting:
            return "look at its requests with autotune history or explain, then approve it";
        case Disposition::failed: return "see what the platform answered, then let the rule try again";
        default: return "";
    }
}

std::string ending(const Outcome& outcome) {
    const std::string what = describe(outcome.action.change);
    if (std::holds_alternative<TakeOver>(outcome.action.change) && outcome.disposition == Disposition::reverted)
        return what + ", whose lease has expired";
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

std::string rounded(double value) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), std::abs(value) < 1000 ? "%.3g" : "%.0f", value);
    return text.data();
}

// "about 6400 requests a day; 0.52 ± 0.12 USD a day (95 %): 37 of 412 invocations in 900 s failed, 0 …; by …"
std::string impact_of(const Impact& i) {
    if (i.watched <= Nanos(0) || i.invocations <= 0) return "";
    const double days = to_seconds(i.watched) / 86'400;
    std::string text = "about " + rounded((i.failed + i.slow) / days) + " requests a day";
    if (!i.tariff.empty())
        text += "; " + rounded(i.usd_a_day) + " ± " + rounded(i.usd_a_day_error) + " USD a day (95 %)";
    text += ": of " + rounded(i.invocations) + " invocations in " + rounded(to_seconds(i.watched)) + " s " + rounded(i.failed) +
            " failed";
    if (i.slow_over > Nanos(0))
        text += ", " + rounded(i.slow) + " took longer than " + rounded(to_seconds(i.slow_over)) + " s";
    text += ", which wasted " + rounded(i.gb_seconds) + " ± " + rounded(i.gb_seconds_error) + " GB-s";
    if (!i.tariff.empty()) text += "; " + i.tariff + ", first tier, nothing free";
    return text;
}

// What people can do at once about a change.
std::string next_command(const Outcome& outcome) {
    if (outcome.change == 0) return "";
    const std::string id = std::to_string(outcome.change);
    switch (outcome.disposition) {
        case Disposition::waiting: return "autotune approve " + id;
        case Disposition::promoted:
            return std::holds_alternative<Resize>(outcome.action.change)
                       ? "autotune explain " + id + " --patch . | git apply   (so that the next deployment does not undo it)"
                       : "autotune explain " + id;
        default: return "autotune explain " + id;
    }
}

void add_line(std::string& text, std::string_view label, std::string_view value) {
    if (value.empty()) return;
    std::array<char, 32> head{};
    std::snprintf(head.data(), head.size(), "  %-9.*s ", static_cast<int>(label.size()), label.data());
    text.append(head.data()).append(value).append("\n");
}

}  // namespace

namespace {
void hide_secrets(Message& m) {
    for (std::string* text : {&m.title, &m.because, &m.suggestion, &m.next, &m.predicted, &m.risk, &m.done, &m.runbook,
                              &m.hottest_frame, &m.culprit})
        *text = redacted(*text);
    for (auto& [name, value] : m.facts) value = redacted(value);
    for (std::vector<std::string>* list : {&m.refused, &m.missing})
        for (std::string& text : *list) text = redacted(text);
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
    if (evidence.impact) m.impact = impact_of(*evidence.impact);
    if (!evidence.confidence.grade.empty()) m.confidence = evidence.confidence.grade + ": " + evidence.confidence.rests_on;
    m.missing = evidence.missing;
    m.refused = action.refused;
    m.predicted = action.predicted;
    m.risk = action.risk;
    m.done = done_about_it(outcome);
    if (!outcome.detail.empty() && outcome.disposition != Disposition::notified)
        m.done += " — " + outcome.detail;

    const auto* notify = std::get_if<Notify>(&action.change);
    if (outcome.disposition == Disposition::notified) {
        m.topic = Topic::symptom;
        m.severity = notify != nullptr ? notify->severity : Severity::warning;
        m.title = action.target.name + ": " + (action.because.empty() ? action.rule : action.because);
        m.suggestion = notify != nullptr ? suggestion(*notify) : "";
        m.next = action.next;
    } else {
        m.topic = Topic::change;
        m.severity = severity_of(outcome.disposition);
        m.resolved = outcome.disposition == Disposition::promoted;
        m.title = action.target.name + ": " + ending(outcome);
        m.suggestion = next_step(outcome);
        m.next = next_command(outcome);
        const bool stands = outcome.disposition == Disposition::promoted || outcome.disposition == Disposition::waiting;
        if (stands && outcome.change != 0) m.rollback = "autotune rollback " + std::to_string(outcome.change);
    }
    hide_secrets(m);
    return m;
}

std::string to_text(const Message& m) {
    std::string text = "[" + std::string(to_string(m.severity)) + "] " + m.title + "\n";
    if (m.topic == Topic::change) add_line(text, "because", m.because);
    if (m.since) add_line(text, "since", to_rfc3339(*m.since));
    add_line(text, "impact", m.impact);
    add_line(text, "sure", m.confidence);
    std::string_view label = "evidence";
    const auto evidence = [&](std::string_view value) {
        if (value.empty()) return;
        add_line(text, label, value);
        label = "";  // the label stands at the first line only
    };
    const auto list = [&](std::string_view name, const std::vector<std::string>& values) {
        label = name;
        for (const std::string& value : values) evidence(value);
    };
    for (const auto& [name, value] : m.facts) evidence(name + " = " + value);
    if (m.kill_time) evidence("killed at " + to_rfc3339(*m.kill_time));
    if (!m.culprit.empty()) evidence("it was at " + m.culprit);
    if (!m.black_box.empty()) evidence("black box: autotune profile --black-box " + m.black_box);
    if (!m.differed.empty()) evidence("the same input was answered otherwise by " + m.differed);
    if (!m.hottest_frame.empty()) evidence("hottest frame: " + m.hottest_frame);
    if (!m.flame_graph.empty()) evidence("flame graph: " + m.flame_graph);
    add_line(text, "consider", m.suggestion);
    add_line(text, "do", m.next);
    add_line(text, "expect", m.predicted);
    add_line(text, "risk", m.risk);
    add_line(text, "done", m.done);
    add_line(text, "rule", m.rule);
    list("refused", m.refused);
    add_line(text, "undo", m.rollback);
    list("unknown", m.missing);
    add_line(text, "runbook", m.runbook);
    return text + "\n";
}

}  // namespace autotune::exporters
