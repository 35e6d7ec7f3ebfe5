// RunningServer: a server and its loop on a thread of their own, for tests that talk to it by socket.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "net/http_server.hpp"

namespace autotune::net {

class RunningServer {
public:
    explicit RunningServer(Handler handler, HttpServerOptions options = {})
        : server_(HttpServer::listen(loop_, std::move(options), std::move(handler)).value()),
          port_(server_->port()),
          thread_([this] { loop_.run(); }) {}
    ~RunningServer() {
        loop_.stop();
        thread_.join();
    }
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string base() const { return "http://127.0.0.1:" + std::to_string(port_); }
    EventLoop& loop() { return loop_; }

    // Runs `task` on the loop's thread and returns when it has run.
    void run_there(const std::function<void()>& task) {
        std::promise<void> done;
        loop_.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    // Runs `task` here while the loop stands still: to the server what clients did meanwhile happens in one moment.
    void while_held(const std::function<void()>& task) {
        std::promise<void> held, go_on;
        loop_.post([&held, released = go_on.get_future().share()] {
            held.set_value();
            released.wait();
        });
        held.get_future().wait();
        task();
        go_on.set_value();
    }
    void destroy_server() {
        run_there([this] { destroy_server_here(); });
    }
    void destroy_server_here() { server_.reset(); }  // on the loop's thread

private:
    EventLoop loop_;
    std::unique_ptr<HttpServer> server_;
    std::uint16_t port_;
    std::thread thread_;
};

}  // namespace autotune::net
