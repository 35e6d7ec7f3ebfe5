// Host: runs functions on this machine behind AWS Lambda's API. An event loop with the control API on
// one side and sandboxes on the other.
//
// One thread: that of run(). Errors while it runs become answers; nothing a function or a caller does
// ends the host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "host/control/dispatcher.hpp"
#include "host/invoker.hpp"
#include "net/event_loop.hpp"

namespace autotune::host {

struct HostOptions {
    std::filesystem::path functions;    // each subfolder with a function.yaml is deployed; empty: none
    std::filesystem::path state;        // survives restarts
    std::string address = "127.0.0.1";  // loopback: signatures are not checked
    std::uint16_t port = 9000;          // 0: the kernel chooses
    std::string region = "us-east-1";
    std::filesystem::path cgroup = "autotune";  // of all sandboxes, relative to the cgroup mounts
    DispatcherOptions dispatch;
    Nanos idle_timeout = std::chrono::minutes(10);  // of a sandbox that is not kept warm
    std::map<std::string, std::string> probes;  // variables that bring a tracer's libraries into functions
    std::uint64_t seed = 0;                      // of the draws between an alias' versions; 0: a random one
    std::function<void(std::string_view)> note;  // a line for people; may be empty
    // Makes what runs functions, given the loop and the API's URL; empty: sandboxes in cgroups.
    std::function<Result<std::unique_ptr<Invoker>>(net::EventLoop&, const std::string& url)> make_invoker;
};

class Host {
public:
    // Listens, reads the state, deploys the folders. Errors: invalid_argument for an address that is not
    // loopback or a bad function.yaml; else what this machine lacks.
    static Result<std::unique_ptr<Host>> start(HostOptions options, const Clock& clock);
    // Kills the sandboxes and removes their cgroups. After run() has returned.
    ~Host();

    void run();   // until stop()
    void stop();  // thread-safe, also from a signal's thread
    [[nodiscard]] net::EventLoop& loop();
    [[nodiscard]] const std::string& url() const;  // "http://127.0.0.1:9000"

private:
    struct Impl;
    explicit Host(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// "127.0.0.1", "127.x.y.z" and "::1".
[[nodiscard]] bool is_loopback_address(std::string_view address);

}  // namespace autotune::host
