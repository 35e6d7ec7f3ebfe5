// RawClient: a TCP connection on which a test says byte by byte what it wants. Blocking, with a limit,
// so that a server that never answers fails the test instead of hanging it.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace autotune::net {

class RawClient {
public:
    explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    ~RawClient() { close(); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }

    // Returns how many bytes the kernel took.
    std::size_t send(std::string_view bytes) {
        std::size_t done = 0;
        while (done < bytes.size()) {
            const auto n = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
            if (n <= 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }
    void stop_sending() { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

    // One response: head, and as much body as its Content-Length says.
    std::string read_response() {
        while (true) {
            if (const auto end = pending_.find("\r\n\r\n"); end != std::string::npos) {
                const std::size_t whole = end + 4 + content_length(pending_.substr(0, end + 2));
                if (pending_.size() >= whole) {
                    std::string response = pending_.substr(0, whole);
                    pending_.erase(0, whole);
                    return response;
                }
            }
            if (!receive()) return "(no response; got '" + pending_ + "')";
        }
    }

    // All until the server closes; ends in "(still open)" if it does not.
    std::string read_to_end() {
        while (receive()) {
        }
        std::string all = pending_;
        pending_.clear();
        return at_end_ ? all : all + "(still open)";
    }

private:
    static std::size_t content_length(const std::string& head) {
        const auto at = head.find("Content-Length: ");
        return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    }
    bool receive() {
        pollfd waiting{fd_, POLLIN, 0};
        if (::poll(&waiting, 1, 60'000) != 1) return false;
        char bytes[4096];
        const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
        if (n <= 0) {
            at_end_ = n == 0;
            return false;
        }
        pending_.append(bytes, static_cast<std::size_t>(n));
        return true;
    }

    int fd_;
    bool connected_ = false;
    bool at_end_ = false;
    std::string pending_;
};

// A port at which nobody listens: it is taken, so that nobody else can.
class UnansweredPort {
public:
    UnansweredPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&at), size) == 0 &&
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0)
            number_ = ntohs(at.sin_port);
    }
    ~UnansweredPort() { ::close(fd_); }
    UnansweredPort(const UnansweredPort&) = delete;
    UnansweredPort& operator=(const UnansweredPort&) = delete;
    [[nodiscard]] std::uint16_t number() const { return number_; }

private:
    int fd_;
    std::uint16_t number_ = 0;
};

inline std::string body_of(const std::string& response) {
    const auto end = response.find("\r\n\r\n");
    return end == std::string::npos ? response : response.substr(end + 4);
}

}  // namespace autotune::net
