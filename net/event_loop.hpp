// EventLoop: one thread that runs handlers, timers and descriptor watches in turn.
//
// Everything given to it runs on the thread inside run(); only post() and stop() may be called from
// other threads. Handlers must neither block nor throw. Boost.Asio is behind it.
// REQUIRES: timers, watches and servers made on a loop are destroyed before it.
#pragma once

#include <functional>
#include <memory>

#include "core/result.hpp"
#include "core/time.hpp"

namespace boost::asio {
class io_context;
}

namespace autotune::net {

class HttpServer;

class EventLoop {
public:
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    void run();   // until stop(), also with nothing to do; returns at once when stopped before
    void stop();  // thread-safe; run() returns soon, what has not run by then never will
    void post(std::function<void()> task);  // thread-safe; never runs inside the call

    // Runs `task` once after `delay`, unless the handle was destroyed or cancelled before.
    class Timer {
    public:
        Timer();
        ~Timer();
        Timer(Timer&&) noexcept;
        Timer& operator=(Timer&&) noexcept;
        void cancel();

    private:
        friend class EventLoop;
        struct State;
        std::shared_ptr<State> state_;
    };
    [[nodiscard]] Timer after(Nanos delay, std::function<void()> task);

    // Runs `ready` each time `fd` (pidfd, pipe, eventfd, socket) is readable, until the handle is
    // destroyed; `ready` may destroy it. As long as nobody reads what is there, it runs again (an
    // exited process's pidfd stays readable). The descriptor stays the caller's and must outlive the
    // handle. REQUIRES: `fd` is open, can be polled, and has no other watch on this loop; aborts otherwise.
    class Watch {
    public:
        Watch();
        ~Watch();
        Watch(Watch&&) noexcept;
        Watch& operator=(Watch&&) noexcept;

    private:
        friend class EventLoop;
        struct State;
        std::shared_ptr<State> state_;
    };
    [[nodiscard]] Watch when_readable(int fd, std::function<void()> ready);

private:
    friend class HttpServer;
    friend struct ServerShared;
    [[nodiscard]] boost::asio::io_context& context();
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::net
