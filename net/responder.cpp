#include <utility>

#include "net/http_connection.hpp"

namespace autotune::net {
namespace {

// Callbacks run from the loop, never inside the call that gave them: the caller is mid-way in its own work.
void run_later(const std::shared_ptr<ServerShared>& server, std::function<void()> callback) {
    server->loop.post([server, callback = std::move(callback)] {
        if (!server->stopped) callback();
    });
}

}  // namespace

Responder::Responder() = default;
Responder::Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder::~Responder() {
    if (state_) send({.status = 500, .headers = {}, .body = {}});
}

Responder& Responder::operator=(Responder&& other) noexcept {
    if (this != &other) {
        if (state_) send({.status = 500, .headers = {}, .body = {}});
        state_ = std::move(other.state_);
    }
    return *this;
}

void Responder::send(HttpResponse response, std::function<void(bool)> sent) {
    const auto state = std::exchange(state_, nullptr);
    if (!state) return;
    const auto server = state->server.lock();
    if (!server || server->stopped) return;
    state->gone = nullptr;
    if (state->peer_gone) {
        if (sent) run_later(server, [sent = std::move(sent)] { sent(false); });
        return;
    }
    state->response = std::move(response);
    state->sent = std::move(sent);
    if (state->wake) state->wake();
}

bool Responder::peer_gone() const { return state_ && state_->peer_gone; }

void Responder::on_peer_gone(std::function<void()> gone) {
    if (!state_) return;
    state_->gone = std::move(gone);
    if (!state_->peer_gone || !state_->gone) return;
    if (const auto server = state_->server.lock(); server && !server->stopped)
        run_later(server, [weak = std::weak_ptr(state_)] {
            // Answered or replaced meanwhile: then it is no longer wanted.
            const auto state = weak.lock();
            if (state && state->gone) std::exchange(state->gone, nullptr)();
        });
}

}  // namespace autotune::net
