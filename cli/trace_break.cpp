#include "cli/trace_break.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "agent/native/nearest_names.hpp"
#include "cli/break_advice.hpp"
#include "cli/exit_status.hpp"
#include "cli/stop_signals.hpp"
#include "cli/traced_command.hpp"
#include "host/host.hpp"
#include "net/http_client.hpp"
#include "net/url.hpp"

namespace autotune::cli {
namespace {

using Json = nlohmann::json;

constexpr Nanos kPatience = std::chrono::seconds(5);     // for answers that need no invocation
constexpr Nanos kForGood = std::chrono::hours(24 * 365);  // for those that wait for one
constexpr const char* kUsualEndpoint = "http://127.0.0.1:9000";
constexpr std::string_view kBreaks = "/autotune/breaks";

void say(const std::string& text) { std::fprintf(stderr, "autotune trace: %s\n", text.c_str()); }

std::string endpoint_of(const BreakRequest& request) {
    if (!request.endpoint.empty()) return request.endpoint;
    for (const char* name : {"AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"})
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
    return kUsualEndpoint;
}

Nanos millis(const Json& view, const char* member) {
    return std::chrono::duration_cast<Nanos>(std::chrono::duration<double, std::milli>(view.value(member, 0.0)));
}

host::BreakStage stage_of(std::string_view name) {
    for (const auto stage : {host::BreakStage::waiting, host::BreakStage::held, host::BreakStage::debugging,
                             host::BreakStage::running})
        if (host::to_string(stage) == name) return stage;
    return host::BreakStage::ended;
}

host::BreakView view_of(const Json& json) {
    host::BreakView view{.stage = stage_of(json.value("stage", "")),
                         .request_id = json.value("request_id", ""),
                         .version = json.value("version", ""),
                         .handler = json.value("handler", ""),
                         .why = json.value("why", ""),
                         .code = json.value("code", ""),
                         .processes = {},
                         .traced_by = json.value("traced_by", 0),
                         .listener = json.value("listener", ""),
                         .address = json.value("address", ""),
                         .limit = millis(json, "limit_ms"),
                         .held = millis(json, "held_ms"),
                         .report = json.value("report", "")};
    for (const Json& process : json.value("processes", Json::array()))
        view.processes.emplace_back(process.value("pid", 0), process.value("name", ""));
    return view;
}

// Whoever is neither root nor the process' user, or is kept from strangers by Yama, needs sudo.
DeskTools tools_for(const host::BreakView& held) {
    DeskTools tools{.privilege = "", .netcat = find_program("nc").has_value()};
    if (::geteuid() == 0 || held.processes.empty()) return tools;
    struct stat owner {};
    const std::string path = "/proc/" + std::to_string(held.processes.front().first);
    int scope = 0;
    std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
    if (scope > 0 || ::stat(path.c_str(), &owner) != 0 || owner.st_uid != ::geteuid()) tools.privilege = "sudo ";
    return tools;
}

// Runs `stop` on a thread of its own at the first SIGINT or SIGTERM.
class OnStop {
public:
    OnStop(Fd signals, std::function<void()> stop)
        : signals_(std::move(signals)), over_(::eventfd(0, EFD_CLOEXEC)), thread_([this, stop] { wait(stop); }) {}
    ~OnStop() {
        const std::uint64_t one = 1;
        (void)!::write(over_.get(), &one, sizeof one);
        thread_.join();
    }
    OnStop(const OnStop&) = delete;
    OnStop& operator=(const OnStop&) = delete;
    [[nodiscard]] bool stopped() const { return stopped_; }

private:
    void wait(const std::function<void()>& stop) {
        pollfd both[]{{signals_.get(), POLLIN, 0}, {over_.get(), POLLIN, 0}};
        while (::poll(both, 2, -1) < 0) {
        }
        if (both[0].revents == 0) return;
        stopped_ = true;
        stop();
    }

    Fd signals_, over_;
    std::atomic<bool> stopped_ = false;
    std::thread thread_;
};

class Desk {
public:
    Desk(const BreakRequest& request, std::string endpoint) : request_(request), endpoint_(std::move(endpoint)) {}

    int run() {
        if (!is_on_this_machine(endpoint_)) {
            say("--break is for a host on this machine (autotune host), not for " + endpoint_);
            return kUsage;
        }
        auto signals = stop_signals();
        if (!signals) return failed(signals.error().message);
        const Json wish{{"function", request_.function},
                        {"longest_ms", std::chrono::ceil<std::chrono::milliseconds>(request_.longest).count()}};
        const auto asked = ask("POST", std::string(kBreaks), wish.dump());
        if (!asked) return failed("no autotune host at " + endpoint_ + ": " + asked.error().message);
        const Json answer = Json::parse(asked->body, nullptr, false);
        if (asked->status != 201) return refused(*asked, answer);
        id_ = answer.value("id", "");
        say("the next invocation of " + request_.function + " at " + endpoint_ +
            " will be held; others go on (Ctrl-C: never mind)");
        const OnStop on_stop(*std::move(signals),
                             [this] { (void)ask("DELETE", std::string(kBreaks) + "/" + id_, ""); });
        return follow(on_stop);
    }

private:
    Result<net::HttpResponse> ask(const std::string& method, const std::string& target, const std::string& body) {
        net::HttpClient client({.connect_timeout = kPatience, .timeout = kPatience});
        return client.send(endpoint_, {method, target, {{"Content-Type", "application/json"}}, body});
    }

    // From one piece of news to the next.
    int follow(const OnStop& on_stop) {
        net::HttpClient client({.connect_timeout = kPatience,
                                .timeout = kForGood,
                                .give_up = [&on_stop] { return on_stop.stopped(); }});
        for (std::uint64_t seen = 0;;) {
            const auto news = client.send(
                endpoint_, {"GET", std::string(kBreaks) + "/" + id_ + "?seen=" + std::to_string(seen), {}, ""});
            if (on_stop.stopped()) {
                say(stage_ == Stage::waiting ? "nothing was held"
                                             : "let go: the invocation goes on, its clock runs");
                return kDone;
            }
            if (!news) return failed("the host at " + endpoint_ + " has gone: " + news.error().message);
            const Json view = Json::parse(news->body, nullptr, false);
            if (news->status != 200 || !view.is_object()) return failed("the host does not know this break any more");
            if (request_.json) std::cout << view.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
            seen = view.value("seen", std::uint64_t{0});
            tell(view_of(view));
            if (stage_ == Stage::ended) return kDone;
        }
    }

    void tell(const host::BreakView& view) {
        const bool is_news = view.stage != stage_;
        stage_ = view.stage;
        if (!is_news) return;
        switch (view.stage) {
            case Stage::waiting: return;
            case Stage::held:
                say("holding invocation " + view.request_id + " of " + request_.function + ", version " +
                    view.version + ", for at most " + plain_time(request_.longest) + "; its clock stands");
                std::fputs(break_advice(view, tools_for(view)).c_str(), stderr);
                return;
            case Stage::debugging:
                return say("a debugger is there" +
                           (view.traced_by != 0 ? " (process " + std::to_string(view.traced_by) + ")" : "") +
                           "; the clock stands");
            case Stage::running:
                return say(view.why + ": the invocation goes on, held for " + plain_time(view.held) +
                           ", time limit " + plain_time(view.limit));
            case Stage::ended: return say(view.report.empty() ? view.why : view.why + "\n  " + without_newline(view.report));
        }
    }

    static std::string without_newline(std::string line) {
        if (line.ends_with('\n')) line.pop_back();
        return line;
    }

    int refused(const net::HttpResponse& response, const Json& answer) {
        if (!answer.is_object()) return failed("no autotune host at " + endpoint_ + ": it answered " + std::to_string(response.status));
        const std::string message = answer.value("Message", answer.value("message", std::to_string(response.status)));
        if (response.headers.get("x-amzn-ErrorType") == "UnknownOperationException")
            return failed("the host at " + endpoint_ + " is too old for --break");
        if (response.status != 404) return failed(message);
        std::string near;
        for (const std::string& name : native::nearest_names(request_.function, functions()))
            near += (near.empty() ? "; did you mean " : ", ") + name;
        return failed("no function " + request_.function + " at " + endpoint_ + near);
    }

    std::vector<std::string> functions() {
        std::vector<std::string> names;
        std::string marker;
        do {
            const auto page = ask("GET", "/2015-03-31/functions?MaxItems=50&Marker=" + net::percent_encode(marker), "");
            const Json body = page ? Json::parse(page->body, nullptr, false) : Json();
            if (!body.is_object()) break;
            for (const Json& function : body.value("Functions", Json::array()))
                names.push_back(function.value("FunctionName", ""));
            const auto next = body.find("NextMarker");
            marker = next != body.end() && next->is_string() ? next->get<std::string>() : "";
        } while (!marker.empty());
        return names;
    }

    static int failed(const std::string& message) { return say(message), kFailed; }

    using Stage = host::BreakStage;

    const BreakRequest& request_;
    std::string endpoint_, id_;
    Stage stage_ = Stage::waiting;
};

}  // namespace

bool is_on_this_machine(const std::string& url) {
    const auto parsed = net::parse_url(url);
    return parsed && parsed->scheme == "http" &&
           (parsed->host == "localhost" || host::is_loopback_address(parsed->host));
}

int run_break(const BreakRequest& request) {
    const std::string endpoint = endpoint_of(request);
    try {
        return Desk(request, endpoint).run();
    } catch (const Json::exception&) {  // members of another type than ours have
        say("no autotune host at " + endpoint + ": its answers cannot be read");
        return kFailed;
    }
}

}  // namespace autotune::cli
