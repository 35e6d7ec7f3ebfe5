// A host whose functions echo their payload, for judges such as awscli: needs neither root nor cgroups.
// Usage: echo_host STATE. Prints its URL; ends when its standard input does.
#include <unistd.h>

#include <cstdio>

#include "host/host.hpp"

namespace autotune::host {
namespace {

class Echo final : public Invoker {
public:
    void invoke(InvokeRequest request, std::function<void(InvokeResult)> done) override {
        InvokeResult result;
        result.payload = std::move(request.payload);
        result.log_tail = "REPORT RequestId: " + request.request_id + "\n";
        done(std::move(result));
    }
    void retire(const FunctionVersion&) override {}
};

int serve(const char* state) {
    HostOptions options;
    options.state = state;
    options.port = 0;
    options.make_invoker = [](net::EventLoop&, const std::string&) -> Result<std::unique_ptr<Invoker>> {
        return std::unique_ptr<Invoker>(std::make_unique<Echo>());
    };
    const SystemClock clock;
    const auto host = Host::start(std::move(options), clock);
    if (!host) return std::fprintf(stderr, "%s\n", host.error().message.c_str()), 1;
    const auto watch = (*host)->loop().when_readable(STDIN_FILENO, [&] { (*host)->stop(); });
    std::printf("%s\n", (*host)->url().c_str());
    std::fflush(stdout);
    (*host)->run();
    return 0;
}

}  // namespace
}  // namespace autotune::host

int main(int argc, char** argv) { return argc == 2 ? autotune::host::serve(argv[1]) : 2; }
