// A Runtime API server, just enough: gives out the invocations it was told to, one connection at a time, and
// keeps what was posted.
#pragma once

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "tests/agent/bpf/kernel/loopback.hpp"

namespace autotune::test {

struct FakeInvocation {
    std::string id;
    std::string payload;
    std::chrono::milliseconds time_left{3000};
    std::string qualifier = {};
    bool in_pieces = false;              // the head arrives in two segments
    std::chrono::milliseconds pause{0};  // before it is given: its executor waits
};

class FakeRuntimeApi {
public:
    struct Times {
        Timestamp asked, given;  // its deadline counts from between these two; then it is sent
        Timestamp posted;        // after its end was read
    };
    // Serves until each invocation was answered (or its executor closed the connection) `connections` times.
    FakeRuntimeApi(std::vector<FakeInvocation> work, int connections)
        : listener_(listening()),
          port_(port_of(listener_.get())),
          work_(std::move(work)),
          times_(work_.size()),
          thread_([this, connections] { serve(connections); }) {}
    ~FakeRuntimeApi() { join(); }
    void join() {
        shutdown(listener_.get(), SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] const std::vector<Times>& times() const { return times_; }  // of each of the work; after join()
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    void serve(int connections) {
        for (int i = 0; i < connections; ++i) {
            const Fd c(accept(listener_.get(), nullptr, nullptr));
            if (!c) return;
            while (serve_one(c.get())) {
            }
        }
    }

    bool serve_one(int fd) {
        std::string request;
        char buffer[8192];
        std::size_t end = 0;
        while ((end = request.find("\r\n\r\n")) == std::string::npos) {
            const ssize_t n = read(fd, buffer, sizeof buffer);
            if (n <= 0) return false;
            request.append(buffer, static_cast<std::size_t>(n));
        }
        std::size_t body = 0;
        for (const char* name : {"Content-Length: ", "content-length: "})
            if (const auto at = request.find(name); at != std::string::npos)
                body = std::strtoul(request.c_str() + at + 16, nullptr, 10);
        for (std::size_t have = request.size() - end - 4; have < body;) {
            const ssize_t n = read(fd, buffer, sizeof buffer);
            if (n <= 0) return false;
            have += static_cast<std::size_t>(n);
        }
        if (!request.starts_with("GET")) {
            if (next_ > 0) times_[next_ - 1].posted = SystemClock().now();
            return send_all(fd, "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n");
        }
        if (next_ >= work_.size()) return false;
        const std::size_t n = next_++;
        return give(fd, work_[n], times_[n]);
    }

    static bool give(int fd, const FakeInvocation& i, Times& times) {
        using namespace std::chrono;
        std::this_thread::sleep_for(i.pause);
        times.asked = SystemClock().now();
        const auto deadline = system_clock::now() + i.time_left;
        times.given = SystemClock().now();
        const std::string head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: " + i.id +
            "\r\nLambda-Runtime-Deadline-Ms: " +
            std::to_string(duration_cast<milliseconds>(deadline.time_since_epoch()).count()) +
            "\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:orders" +
            (i.qualifier.empty() ? "" : ":" + i.qualifier) +
            "\r\nLambda-Runtime-Trace-Id: "
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1\r\nContent-Length: " +
            std::to_string(i.payload.size()) + "\r\n\r\n";
        if (!i.in_pieces) return send_all(fd, head + i.payload);
        if (!send_all(fd, head.substr(0, 60))) return false;
        std::this_thread::sleep_for(milliseconds(30));  // else the kernel joins the segments
        return send_all(fd, head.substr(60) + i.payload);
    }

    Fd listener_;
    std::uint16_t port_;
    std::vector<FakeInvocation> work_;
    std::vector<Times> times_;
    std::size_t next_ = 0;
    std::thread thread_;
};

}  // namespace autotune::test
