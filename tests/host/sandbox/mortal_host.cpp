// A host that invokes one function and then waits to be killed. Arguments: state folder, code folder,
// cgroup root. For the tests of what a host's death leaves behind.
#include <cstdio>

#include "host/sandbox/pool.hpp"

int main(int argc, char** argv) {
    using namespace autotune;
    if (argc != 4) return 2;
    net::EventLoop loop;
    const SystemClock clock;
    auto pool =
        host::SandboxPool::create({.loop = loop, .clock = clock, .state = argv[1], .cgroup_root = argv[3]});
    if (!pool) {
        std::fprintf(stderr, "%s\n", pool.error().message.c_str());
        return 1;
    }
    auto function = std::make_shared<host::FunctionVersion>();
    function->name = "mortal";
    function->version = "$LATEST";
    function->runtime = "python3.11";
    function->handler = "app.handler";
    function->memory_mb = 512;
    function->timeout = std::chrono::seconds(600);
    function->code = argv[2];
    (*pool)->invoke({.function = function, .request_id = "1", .payload = "{}"},
                    [](const host::InvokeResult&) {});
    loop.run();
}
