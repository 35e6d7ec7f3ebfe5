// Breaks: invocations that a developer wants held for a debugger, and how it goes with each of them.
//
// A break holds one invocation, the next of its function that is about to be handed to a runtime; later ones
// pass. It ends by itself: when it has lasted as long as was asked for, when the debugger has gone, and when
// nobody listens to it any more (the death of the command that asked for it is that).
//
// The control API asks and listens; sandboxes claim breaks and tell how it goes. All on the event loop's
// thread. Outlives both.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "host/invoker.hpp"
#include "net/event_loop.hpp"

namespace autotune::host {

enum class BreakStage : std::uint8_t {
    waiting,    // for an invocation
    held,       // there is one; no debugger yet
    debugging,  // a debugger is there
    running,    // let go: its clock runs
    ended,      // it is over, or will never be
};
[[nodiscard]] std::string_view to_string(BreakStage stage);

struct BreakWish {
    std::string function;
    std::string qualifier;  // version or alias that the caller must have named; empty: any
    Nanos longest = std::chrono::minutes(10);
};

// What the developer is told. `why`: of running and ended, for people.
struct BreakView {
    BreakStage stage = BreakStage::waiting;
    std::string request_id, version, handler, why;
    std::string code;                                    // folder of the source
    std::vector<std::pair<pid_t, std::string>> processes;  // of the sandbox, with their names
    pid_t traced_by = 0;                                 // the debugger, where it is one with ptrace
    std::string listener, address;  // a debugger within the process that waits to be connected to: "pdb"
    Nanos limit{0};                 // of the invocation, without the time that it was held
    Nanos held{0};
    std::string report;  // of ended: the REPORT line
};

// One break, in the hands of the sandbox whose invocation it holds.
class Break {
public:
    [[nodiscard]] const BreakView& view() const { return view_; }
    [[nodiscard]] Nanos longest() const { return wish_.longest; }
    // Changes what is told, and tells it.
    void tell(const std::function<void(BreakView&)>& change);
    // Runs when the invocation is to go on; once. The sandbox's.
    void when_let_go(std::function<void(std::string_view why)> let_go) { let_go_ = std::move(let_go); }

private:
    friend class Breaks;
    BreakWish wish_;
    BreakView view_;
    bool claimed_ = false;
    std::uint64_t changes_ = 1;
    std::function<void(const BreakView&, std::uint64_t)> listener_;
    std::function<void(std::string_view)> let_go_;
    net::EventLoop::Timer unheard_;  // runs while nobody listens
};

class Breaks {
public:
    explicit Breaks(net::EventLoop& loop) : loop_(loop) {}

    // The control API's side.
    std::string add(BreakWish wish);  // its id
    // `told` runs once, with the view and its number, when the view is newer than `seen`: at once or later. A
    // second listener takes the place of the first. False: no such break.
    bool listen(const std::string& id, std::uint64_t seen,
                std::function<void(const BreakView&, std::uint64_t)> told);
    // Nobody is interested any more: what is held goes on. False: no such break.
    bool remove(const std::string& id, std::string_view why);

    // A sandbox's side: the break that wants this invocation; it is its alone from now on. nullptr: none.
    std::shared_ptr<Break> claim(const InvokeRequest& request);

private:
    void expect_listener(const std::string& id, Break& subject);

    net::EventLoop& loop_;
    std::map<std::string, std::shared_ptr<Break>> all_;  // the oldest first
    std::uint64_t last_id_ = 0;
};

}  // namespace autotune::host
