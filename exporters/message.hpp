// Message: what a notification tells a person, and its two forms, text and JSON. Pure.
//
// A message is constructive: what is wrong and since when, what it costs a day, the evidence for it, how sure the diagnosis
// is, one thing that can be done at once with what to expect of it, what was done or refused and by which rule, how to take
// it back, and what is not known. Texts that came from outside are searched for secrets (exporters/redact.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/plan.hpp"
#include "core/time.hpp"

namespace autotune::exporters {

enum class Topic : std::uint8_t { symptom, change };  // something is wrong; a change has ended

struct Message {
    Topic topic = Topic::symptom;
    Severity severity = Severity::warning;
    bool resolved = false;  // a change that was promoted: the symptom's remedy is in place
    FunctionRef function;
    std::string rule;
    std::string title;              // one line
    std::string because;            // the rule's sentence
    WallTime at;                    // of the outcome
    std::optional<WallTime> since;  // start of the evidence's window
    std::optional<WallTime> kill_time;
    std::vector<std::pair<std::string, std::string>> facts;
    std::string hottest_frame;
    std::string flame_graph;  // path
    std::string culprit;      // where the last one that was killed was
    std::string black_box;    // the invocation whose black box tells more
    std::string impact;       // in requests and money a day, with what that rests on; "" when not known
    std::string confidence;   // "high: 20 of 20 kills …"; "" when nobody judged it
    std::string differed;     // two invocations that answered the same input otherwise
    std::string suggestion;   // what the developer could do
    std::string next;         // a command, or a line for a file, that can be used as it is
    std::string predicted;    // what that, or the change, should do
    std::string risk;
    std::string done;         // what autotune did
    std::vector<std::string> refused;  // what else it did not do lately, by which rule and why
    std::string rollback;     // the command that takes it back; "" when there is nothing to take back
    std::vector<std::string> missing;  // what is not known
    std::string runbook;
};

// Evidence carries CLOCK_MONOTONIC instants; `now` and `wall` are one instant on both clocks.
struct TwoClocks {
    Timestamp now;
    WallTime wall;
};

// nullopt: nothing that people must be told (planned, refused, in progress).
[[nodiscard]] std::optional<Message> message_of(const Outcome& outcome, TwoClocks clocks);

// A block of lines, the first the title, the last empty.
[[nodiscard]] std::string to_text(const Message& message);

// The body that Alertmanager POSTs to webhook receivers (format version 4), with one alert, so that any
// receiver that understands Alertmanager understands this. `receiver` names us.
[[nodiscard]] std::string to_webhook_json(const Message& message, std::string_view receiver);

}  // namespace autotune::exporters
