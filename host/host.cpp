#include "host/host.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "host/breaks/breaks.hpp"
#include "host/control/api.hpp"
#include "host/control/deploy.hpp"
#include "host/sandbox/pool.hpp"
#include "net/http_server.hpp"
#include "os/fd.hpp"

namespace autotune::host {

// Members in the order they need one another; destroyed the other way round: first the server, so that
// no request comes in, then the sandboxes, whose last callbacks still find the dispatcher.
struct Host::Impl {
    HostOptions options;
    Fd state_lock;
    net::EventLoop loop;
    std::string url;
    std::unique_ptr<Registry> registry;
    std::optional<Dispatcher> dispatcher;
    std::optional<ControlApi> api;
    Breaks breaks{loop};
    std::unique_ptr<Invoker> invoker;
    std::unique_ptr<net::HttpServer> server;

    Status open(const Clock& clock);
    Status listen();
    Status make_sandboxes(const Clock& clock);
};

namespace {

// Of one that has just died: a child that it was starting has the lock, too, until it executes its program.
constexpr Nanos kLeftBehind = std::chrono::seconds(2);

// Two hosts on one folder would overwrite each other's functions. The lock goes with the process.
Result<Fd> lock_state(const std::filesystem::path& state) {
    std::error_code error;
    std::filesystem::create_directories(state, error);
    if (error) return fail(Errc::unavailable, "creating " + state.string() + ": " + error.message());
    const auto path = state / "lock";
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    const auto until = std::chrono::steady_clock::now() + kLeftBehind;
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (std::chrono::steady_clock::now() >= until)
            return fail(Errc::already_exists, "another host uses the state folder " + state.string());
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return fd;
}

}  // namespace

bool is_loopback_address(std::string_view address) {
    const std::string text(address);
    in_addr v4{};
    in6_addr v6{};
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Status Host::Impl::open(const Clock& clock) {
    auto lock = lock_state(options.state);
    if (!lock) return lock.forward();
    state_lock = *std::move(lock);
    auto opened = Registry::open({options.state, Home{options.region}, clock, {}, {}});
    if (!opened) return opened.forward();
    registry = *std::move(opened);
    dispatcher.emplace(
        loop, clock, registry->store(),
        Dispatcher::Folders{
            [this](const Code& code) { return registry->state().code_folder(code.sha256); },
            [this](const std::vector<AttachedLayer>& layers) { return registry->state().layers_folder(layers); }},
        options.dispatch);
    registry->when_changed([this](const std::string& function) { dispatcher->tend_warm(function); });
    registry->when_superseded([this](const Configuration& old) { dispatcher->retire(old); });
    return options.functions.empty() ? ok() : deploy_folders(*registry, options.functions, options.note);
}

// The port is known only after this, and the sandboxes are told it.
Status Host::Impl::listen() {
    net::HttpServerOptions server_options;
    server_options.address = options.address;
    server_options.port = options.port;
    server_options.body_limit = request_body_limit;
    server_options.too_large = ControlApi::too_large;
    auto listening = net::HttpServer::listen(loop, std::move(server_options),
                                             [this](net::HttpRequest request, net::Responder responder) {
                                                 api->handle(std::move(request), std::move(responder));
                                             });
    if (!listening) return listening.forward();
    server = *std::move(listening);
    const bool v6 = options.address.find(':') != std::string::npos;
    url = "http://" + (v6 ? "[" + options.address + "]" : options.address) + ":" +
          std::to_string(server->port());
    return ok();
}

Status Host::Impl::make_sandboxes(const Clock& clock) {
    if (options.make_invoker) {
        auto made = options.make_invoker(loop, url);
        if (!made) return made.forward();
        invoker = *std::move(made);
        return ok();
    }
    SandboxPoolOptions pool{loop, clock, options.state};
    pool.cgroup_root = options.cgroup;
    pool.region = options.region;
    pool.endpoint_url = url;
    pool.probes = options.probes;
    pool.limits.account_concurrency = options.dispatch.concurrency;
    pool.limits.function_concurrency = options.dispatch.concurrency;
    pool.limits.idle_timeout = options.idle_timeout;
    pool.breaks = &breaks;
    pool.note = options.note;
    auto made = SandboxPool::create(std::move(pool));
    if (!made) return made.forward();
    invoker = *std::move(made);
    return ok();
}

Result<std::unique_ptr<Host>> Host::start(HostOptions options, const Clock& clock) {
    if (!is_loopback_address(options.address))
        return fail(
            Errc::invalid_argument,
            "refusing to listen on " + options.address +
                ": signatures are not checked, so anyone who can connect may run code here; use a loopback "
                "address such as 127.0.0.1");
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    if (auto opened = impl->open(clock); !opened) return opened.forward();
    if (auto listening = impl->listen(); !listening) return listening.forward();
    if (auto made = impl->make_sandboxes(clock); !made) return made.forward();
    impl->dispatcher->use(*impl->invoker);
    impl->api.emplace(Control{*impl->registry, *impl->dispatcher, impl->breaks, impl->url},
                      ControlApi::Options{impl->options.seed, {}});
    return std::unique_ptr<Host>(new Host(std::move(impl)));
}

Host::Host(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Host::~Host() = default;

void Host::run() { impl_->loop.run(); }
void Host::stop() { impl_->loop.stop(); }
net::EventLoop& Host::loop() { return impl_->loop; }
const std::string& Host::url() const { return impl_->url; }

}  // namespace autotune::host
