// Events as Chrome's trace event format, which ui.perfetto.dev and chrome://tracing open: a lane per thread,
// with calls, I/O, HTTP exchanges and waits in time, and a lane per invocation.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <utility>

#include "core/event.hpp"

namespace autotune::render {

// Streams: nothing is kept but names. One owner; `out` must live as long.
class ChromeTrace {
public:
    ChromeTrace(std::ostream& out, std::string machine) : out_(out), machine_(std::move(machine)) {}

    void add(const EventBatch& batch);
    // The end of the file. REQUIRES: called once.
    void finish();

private:
    void put(const std::string& json);
    void span(const Event& event, Nanos duration, std::string_view category, const std::string& name,
              const std::string& arguments);
    // In a lane of its own: others of its thread may overlap it.
    void lane(const Event& event, Nanos duration, std::string_view category, const std::string& name,
              const std::string& arguments);
    void name_lanes(const Event& event, const Tables& tables);

    std::ostream& out_;
    std::string machine_;
    bool began_ = false;
    std::uint64_t lanes_ = 0;
    std::map<std::string, Timestamp> open_;  // invocations, by id
};

}  // namespace autotune::render
