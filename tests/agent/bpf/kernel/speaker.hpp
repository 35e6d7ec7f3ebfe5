// An executor in C++, and numbered work for it.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"

namespace autotune::test {

inline std::string id_of(int n) { return std::to_string(10'000'000 + n) + "-0d5c-4a64-9b5b-8a5f4e4a9c00"; }

inline std::vector<FakeInvocation> work(int count) {
    std::vector<FakeInvocation> all;
    for (int n = 0; n < count; ++n) all.push_back({.id = id_of(n), .payload = "{}"});
    return all;
}

// An executor in C++: what it answers is what the test says; 'd' is its death by its own hand.
class Speaker {
public:
    explicit Speaker(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) { connect_to(fd_.get(), port); }

    std::string next() {  // the id
        send_all(fd_.get(), "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n");
        const std::string answer = read_answer();
        const auto at = answer.find("Request-Id: ") + 12;
        return answer.substr(at, answer.find("\r\n", at) - at);
    }
    void post(const std::string& id, const char* what) {
        send_all(fd_.get(), "POST /2018-06-01/runtime/invocation/" + id + what +
                                " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
        read_answer();
    }

private:
    std::string read_answer() {
        std::string answer;
        char buffer[4096];
        while (true) {
            const auto end = answer.find("\r\n\r\n");
            if (end != std::string::npos) {
                const auto at = answer.find("Content-Length: ");
                if (answer.size() >= end + 4 + std::strtoul(answer.c_str() + at + 16, nullptr, 10)) return answer;
            }
            const ssize_t n = recv(fd_.get(), buffer, sizeof buffer, 0);
            if (n <= 0) _exit(9);
            answer.append(buffer, static_cast<std::size_t>(n));
        }
    }
    Fd fd_;
};

}  // namespace autotune::test
