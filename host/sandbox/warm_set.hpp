// WarmSet: sandboxes that are initialised ahead of any call, and kept, for the calls of one qualifier. As many as were
// ordered live at any time, busy or not: one that dies is replaced, one that has served is kept for the next call. Calls
// beyond them get sandboxes as ever.
//
// One that dies before it has served anybody is tried again after a pause that doubles; after the third in a row the order has
// failed, until one succeeds. On the event loop's thread only.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "core/result.hpp"
#include "host/invoker.hpp"
#include "host/sandbox/sandbox.hpp"
#include "net/event_loop.hpp"

namespace autotune::host {

class WarmSet {
public:
    // All of the pool's, in whatever state. REQUIRES: outlives the set.
    using Sandboxes = std::list<std::unique_ptr<Sandbox>>;
    // `start`: adds one more for that order to the sandboxes.
    WarmSet(net::EventLoop& loop, const Sandboxes& sandboxes, std::function<Status(const WarmOrder&)> start)
        : loop_(loop), sandboxes_(sandboxes), start_(std::move(start)) {}

    // Takes the place of an earlier order for that version and qualifier.
    void order(WarmOrder wanted);
    // It waits for work.
    void rests(const Sandbox& sandbox);
    // It is no longer among the sandboxes, and never could serve, or could.
    enum class Had : std::uint8_t { started, failed };
    void gone(const FunctionVersion& function, const std::string& kept_for, Had had);
    [[nodiscard]] WarmState state(const FunctionVersion& function, const std::string& qualifier) const;
    void stop() { kept_.clear(); }

private:
    struct Kept {
        WarmOrder order;
        bool reached = false;  // all of them were ready, once
        unsigned failures = 0;  // tries in a row, of which one or more failed
        bool pauses = false;    // after a failure: more of the same try do not count
        std::string failure;
        net::EventLoop::Timer again;
    };
    using Key = std::tuple<std::string, std::string, std::string>;  // function, version, qualifier
    struct Alive {
        std::vector<Sandbox*> idle, busy, starting;
        [[nodiscard]] std::size_t all() const { return idle.size() + busy.size() + starting.size(); }
    };
    static Key key(const FunctionVersion& function, const std::string& qualifier) {
        return {function.name, function.version, qualifier};
    }
    [[nodiscard]] Alive alive(const WarmOrder& order) const;
    void tend(Kept& kept);
    void tend_later(Kept& kept, Nanos pause);
    void failed(Kept& kept, const std::string& why);

    net::EventLoop& loop_;
    const Sandboxes& sandboxes_;
    std::function<Status(const WarmOrder&)> start_;
    std::map<Key, Kept> kept_;
};

// Whether a call that its caller addressed so may use what is kept for `qualifier`.
[[nodiscard]] bool is_qualified(std::string_view arn, std::string_view qualifier);

}  // namespace autotune::host
