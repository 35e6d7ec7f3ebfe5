#include "net/event_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>  // before Asio: Boost 1.74 forgets it

namespace autotune::net {

namespace asio = boost::asio;
using boost::system::error_code;

struct EventLoop::Impl {
    asio::io_context context{1};  // one thread: Asio leaves out what only several need
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() { impl_->context.run(); }
void EventLoop::stop() { impl_->context.stop(); }
void EventLoop::post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }
asio::io_context& EventLoop::context() { return impl_->context; }

// An expiry that is already queued cannot be taken back: `cancelled` is what the handler goes by.
struct EventLoop::Timer::State {
    explicit State(asio::io_context& context) : timer(context) {}
    asio::steady_timer timer;
    std::function<void()> task;
    bool cancelled = false;
};

EventLoop::Timer::Timer() = default;
EventLoop::Timer::~Timer() { cancel(); }
EventLoop::Timer::Timer(Timer&&) noexcept = default;
EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
    if (this != &other) {
        cancel();
        state_ = std::move(other.state_);
    }
    return *this;
}

void EventLoop::Timer::cancel() {
    if (!state_) return;
    const auto state = std::exchange(state_, nullptr);
    state->cancelled = true;
    error_code ignored;
    state->timer.cancel(ignored);
}

EventLoop::Timer EventLoop::after(Nanos delay, std::function<void()> task) {
    Timer handle;
    handle.state_ = std::make_shared<Timer::State>(impl_->context);
    auto& state = *handle.state_;
    state.task = std::move(task);
    state.timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(delay));
    state.timer.async_wait([kept = handle.state_](error_code failed) {
        if (failed || kept->cancelled) return;
        kept->task();
    });
    return handle;
}

struct EventLoop::Watch::State : std::enable_shared_from_this<State> {
    explicit State(asio::io_context& context) : descriptor(context) {}

    void wait() {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [kept = shared_from_this()](error_code failed) {
                                  if (failed || kept->ended) return;
                                  kept->ready();
                                  if (!kept->ended) kept->wait();
                              });
    }
    void end() {
        ended = true;
        if (descriptor.is_open()) descriptor.release();  // stays open: it is the caller's
    }

    asio::posix::stream_descriptor descriptor;
    std::function<void()> ready;
    bool ended = false;
};

EventLoop::Watch::Watch() = default;
EventLoop::Watch::~Watch() {
    if (state_) state_->end();
}
EventLoop::Watch::Watch(Watch&&) noexcept = default;
EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        if (state_) state_->end();
        state_ = std::move(other.state_);
    }
    return *this;
}

EventLoop::Watch EventLoop::when_readable(int fd, std::function<void()> ready) {
    Watch handle;
    handle.state_ = std::make_shared<Watch::State>(impl_->context);
    error_code failed;
    handle.state_->descriptor.assign(fd, failed);
    if (failed) {
        std::fprintf(stderr, "EventLoop::when_readable(%d): %s\n", fd, failed.message().c_str());
        std::abort();
    }
    handle.state_->ready = std::move(ready);
    handle.state_->wait();
    return handle;
}

}  // namespace autotune::net
