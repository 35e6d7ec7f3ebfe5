#include "providers/aws_lambda.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "net/http_client.hpp"
#include "net/url.hpp"
#include "providers/aws_lambda_api.hpp"
#include "providers/aws_lambda_channel.hpp"
#include "providers/aws_lambda_concurrency.hpp"

namespace autotune {

namespace api = aws_lambda;

namespace {
// A function that runs for its fifteen minutes, and the way there and back; also enough for an upload.
constexpr Nanos kLongestInvocation = std::chrono::minutes(15) + std::chrono::seconds(30);
// All else is answered soon or not at all, and the loop waits for it.
constexpr Nanos kLongestControlCall = std::chrono::seconds(10);
constexpr std::size_t kMostPages = 10'000;  // of a list: half a million functions
constexpr std::size_t kLargeBody = 1024 * 1024;

// Polls begin at once, since the embedded host is done within a millisecond, and grow, since AWS takes a
// second or two.
constexpr Nanos kFirstPoll = std::chrono::milliseconds(2);
constexpr Nanos kLongestPoll = std::chrono::milliseconds(500);

AwsLambda::Exchange over_http(const std::string& endpoint, const std::function<bool()>& give_up) {
    const auto client = [&](Nanos timeout) {
        return std::make_shared<net::HttpClient>(net::HttpClientOptions{.timeout = timeout, .give_up = give_up});
    };
    return [endpoint, give_up, quick = client(kLongestControlCall),
            patient = client(kLongestInvocation)](const net::HttpRequest& request) -> Result<net::HttpResponse> {
        if (give_up && give_up()) return fail(Errc::unavailable, "given up before anything was sent");
        const bool slow = api::is_invocation(request) || request.body.size() > kLargeBody;
        return (slow ? patient : quick)->send(endpoint, request);
    };
}

// "$LATEST" is listed among the versions; published ones are numbers that grow, and come in no stated order.
bool published(const api::Configuration& c) { return c.version != "$LATEST"; }

bool older(const Version& a, const Version& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

FunctionState state_of(const FunctionRef& function, const api::Configuration& head) {
    return {.function = function,
            .config = head.config,
            .etag = head.etag,
            .code_hash = head.code_hash,
            .head = head.build,
            .update_in_progress = head.update_status == "InProgress" || head.state == "Pending"};
}
}  // namespace

struct AwsLambda::Impl {
    AwsLambdaOptions options;
    AwsLambdaChannel channel;
    std::map<FunctionRef, std::string> arns;  // as get() found them: tags are asked for by ARN

    Impl(AwsLambdaOptions given, const Clock& clock, Exchange exchange, std::function<void(Nanos)> pause)
        : options(std::move(given)), channel(options, clock, std::move(exchange), std::move(pause)) {}

    // All pages of a list.
    template <class Item, class Request, class Parse>
    Result<std::vector<Item>> all(Request request, Parse parse, const std::string& doing) {
        std::vector<Item> items;
        std::string marker;
        std::set<std::string> asked;
        while (asked.insert(marker).second && asked.size() <= kMostPages) {
            const auto response = channel.send(request(marker), doing);
            if (!response) return response.forward();
            auto page = parse(response->body);
            if (!page) return page.forward(doing);
            std::move(page->items.begin(), page->items.end(), std::back_inserter(items));
            if (page->next_marker.empty()) return items;
            marker = page->next_marker;
        }
        return fail(Errc::unavailable, doing + ": the list goes round, it does not end");
    }

    Result<api::Configuration> configuration(const net::HttpRequest& request, const std::string& doing) {
        const auto response = channel.send(request, doing);
        if (!response) return response.forward();
        auto parsed = api::parse_configuration(response->body);
        if (!parsed) return parsed.forward(doing);
        return parsed;
    }

    // Polls until neither an update nor the making of a version is under way.
    Result<api::Configuration> settled(api::Configuration c, const std::string& doing) {
        Nanos waited{0};
        for (Nanos wait = kFirstPoll; c.update_status == "InProgress" || c.state == "Pending";
             wait = std::min(wait * 2, kLongestPoll)) {
            if (waited >= options.configure_limit)
                return fail(Errc::timed_out, doing + ": still in progress after " +
                                                 std::to_string(static_cast<int>(to_seconds(waited))) + " s");
            channel.pause(wait);
            waited += wait;
            auto next = configuration(api::get_configuration(c.name, published(c) ? c.version : ""), doing);
            if (!next) return next;
            c = *std::move(next);
        }
        if (c.update_status == "Failed" || c.state == "Failed")
            return fail(Errc::invalid_argument, doing + ": the platform gave up: " + c.reason);
        return c;
    }

    Result<FunctionState> change(const FunctionRef& function, const net::HttpRequest& request,
                                 const std::string& doing) {
        auto asked = configuration(request, doing);
        if (!asked) return asked.forward();
        const auto done = settled(*std::move(asked), doing);
        if (!done) return done.forward();
        return state_of(function, *done);
    }
};

AwsLambda::AwsLambda(AwsLambdaOptions options, const Clock& clock, Exchange exchange,
                     std::function<void(Nanos)> pause)
    : impl_(std::make_unique<Impl>(std::move(options), clock, std::move(exchange), std::move(pause))) {}

AwsLambda::AwsLambda(AwsLambdaOptions options, const Clock& clock)
    : AwsLambda(options, clock, over_http(options.endpoint, options.give_up),
                [](Nanos t) { std::this_thread::sleep_for(t); }) {}

AwsLambda::~AwsLambda() = default;

Capabilities AwsLambda::capabilities() const {
    return {.versions = true,
            .weighted_routing = true,
            .live_resize = false,
            .layers = true,
            .leases = true,
            .concurrency = true,
            .warm = true,
            .memory_min_mb = 128,
            .memory_max_mb = 10240,
            .memory_step_mb = 1,
            // Of functions on Arm a GB-s is cheaper, by as much at every size.
            .tariff = "aws-lambda-x86"};
}

Result<std::vector<FunctionRef>> AwsLambda::list() {
    const auto names =
        impl_->all<std::string>(api::list_functions, api::parse_functions, "listing the functions");
    if (!names) return names.forward();
    std::vector<FunctionRef> functions;
    for (const std::string& n : *names) functions.push_back({std::string(name()), n});
    std::sort(functions.begin(), functions.end());
    return functions;
}

Result<FunctionState> AwsLambda::get(const FunctionRef& function) {
    const std::string doing = "reading " + function.name;
    const auto response = impl_->channel.send(api::get_function(function.name), doing);
    if (!response) return response.forward();
    auto found = api::parse_function(response->body);
    if (!found) return found.forward(doing);
    auto versions = impl_->all<api::Configuration>(
        [&](std::string_view marker) { return api::list_versions(function.name, marker); },
        api::parse_versions, doing + "'s versions");
    if (!versions) return versions.forward();
    auto aliases =
        impl_->all<Routing>([&](std::string_view marker) { return api::list_aliases(function.name, marker); },
                            api::parse_aliases, doing + "'s aliases");
    if (!aliases) return aliases.forward();

    FunctionState state = state_of(function, found->head);
    for (const api::Configuration& v : *versions) {
        if (!published(v)) continue;
        state.versions.push_back(v.version);
        state.builds[v.version] = v.build;
    }
    std::sort(state.versions.begin(), state.versions.end(), older);
    state.aliases = *std::move(aliases);
    std::sort(state.aliases.begin(), state.aliases.end(),
              [](const Routing& a, const Routing& b) { return a.alias < b.alias; });
    impl_->arns[function] = found->head.arn;
    state.labels = std::move(found->tags);
    if (const auto lease = state.labels.find(std::string(api::kLeaseTag)); lease != state.labels.end()) {
        state.lease = std::move(lease->second);
        state.labels.erase(lease);
    }
    return state;
}

Result<FunctionState> AwsLambda::deploy(const FunctionRef& function, const Package& package,
                                        const Etag& expected) {
    const std::string doing = "deploying " + function.name;
    if (expected.empty()) {
        auto created =
            impl_->change(function,
                          api::create_function(function.name, package,
                                               package.config.role.empty() ? impl_->options.role : package.config.role),
                          doing);
        if (!created && created.error().code == Errc::conflict)
            return fail(Errc::already_exists, created.error().message);
        return created;
    }
    auto state = impl_->change(function, api::update_code(function.name, package, expected), doing);
    const FunctionConfig& c = package.config;
    const bool code_only = package.runtime.empty() && package.handler.empty() && c.runtime.empty() && c.handler.empty() &&
                           c.memory_mb == 0 && c.timeout == Nanos(0) && c.environment.empty();
    if (!state || code_only) return state;
    return impl_->change(function, api::update_settings(function.name, package, state->etag), doing);
}

Result<Package> AwsLambda::package(const FunctionRef& function, const Version& version) {
    const std::string doing = "fetching the code of " + function.name + ":" + version;
    const auto response = impl_->channel.send(api::get_function(function.name, version), doing);
    if (!response) return response.forward();
    auto found = api::parse_function(response->body);
    if (!found) return found.forward(doing);
    const std::size_t path = found->code_url.find('/', found->code_url.find("://") + 3);
    if (found->code_url.empty() || path == std::string::npos)
        return fail(Errc::unsupported, doing + ": the platform does not give it away; is it a container's image?");
    // Signed by itself, and often at another host.
    net::HttpClient client({.timeout = std::chrono::minutes(2), .give_up = impl_->options.give_up});
    const std::string host = found->code_url.substr(0, path);
    auto archive = client.send(host, {.target = found->code_url.substr(path)});
    if (!archive) {  // the client names the URL, which is as good as the code
        std::string why = archive.error().message;
        if (const std::size_t at = why.find(found->code_url); at != std::string::npos) why.replace(at, found->code_url.size(), host + "/…");
        // Code does not get smaller by waiting.
        const bool too_large = archive.error().code == Errc::resource_exhausted;
        return fail(too_large ? Errc::unsupported : archive.error().code, doing + ": " + why);
    }
    if (archive->status != 200)
        return fail(archive->status >= 500 ? Errc::unavailable : Errc::not_found,
                    doing + ": HTTP " + std::to_string(archive->status));
    return Package{.zip = std::move(archive->body),
                   .code_hash = found->head.code_hash,
                   .runtime = found->head.config.runtime,
                   .handler = found->head.config.handler,
                   .config = std::move(found->head.config)};
}

Result<FunctionState> AwsLambda::configure(const FunctionRef& function, const ConfigDelta& delta,
                                           const Etag& expected) {
    return impl_->change(function, api::update_configuration(function.name, delta, expected),
                         "configuring " + function.name);
}

Result<std::string> AwsLambda::provide_layer(const Layer& layer) {
    const std::string doing = "publishing layer " + layer.name;
    const auto listed = impl_->channel.send(api::list_layer_versions(layer.name), doing);
    if (!listed && listed.error().code != Errc::not_found) return listed.forward();
    if (listed) {
        auto versions = api::parse_layer_versions(listed->body);
        if (!versions) return versions.forward(doing);
        if (!versions->items.empty()) return std::move(versions->items.front());
    }
    const auto response = impl_->channel.send(api::publish_layer(layer), doing);
    if (!response) return response.forward();
    auto made = api::parse_layer_version(response->body);
    if (!made) return made.forward(doing);
    return made;
}

Result<Version> AwsLambda::publish(const FunctionRef& function, const Etag& expected) {
    const std::string doing = "publishing " + function.name;
    auto made = impl_->configuration(api::publish_version(function.name, expected), doing);
    if (!made) return made.forward();
    const auto active = impl_->settled(*std::move(made), doing);
    if (!active) return active.forward();
    return active->version;
}

Result<Routing> AwsLambda::route(const FunctionRef& function, const Routing& routing) {
    const std::string doing = "routing " + function.name + ":" + routing.alias;
    const auto response = impl_->channel.send(api::update_alias(function.name, routing), doing);
    if (!response) return response.forward();
    auto now = api::parse_alias(response->body);
    if (!now) return now.forward(doing);
    return now;
}

Status AwsLambda::set_lease(const FunctionRef& function, const std::string& text) {
    const std::string doing = "leasing " + function.name;
    std::string& arn = impl_->arns[function];
    if (arn.empty()) {
        const auto found = impl_->configuration(api::get_configuration(function.name, ""), doing);
        if (!found) return found.forward();
        arn = found->arn;
    }
    if (arn.empty()) return fail(Errc::unsupported, doing + ": the platform does not tell its ARN");
    const auto response = impl_->channel.send(text.empty() ? api::untag(arn, api::kLeaseTag) : api::tag(arn, api::kLeaseTag, text), doing);
    return response ? ok() : Status(response.forward());
}

Result<Answer> AwsLambda::invoke(const FunctionRef& function, const Qualifier& qualifier,
                                 std::string_view payload) {
    const std::string doing = "invoking " + function.name;
    // A throttled invocation is an answer to whoever probes, not something to hide.
    const auto response =
        impl_->channel.send(api::invoke(function.name, qualifier, payload), doing, WhenThrottled::tell);
    if (!response) return response.forward();
    auto answer = api::parse_answer(*response);
    if (!answer) return answer.forward(doing);
    return answer;
}

Status AwsLambda::remove(const FunctionRef& function) {
    const auto response =
        impl_->channel.send(api::delete_function(function.name), "removing " + function.name);
    if (!response) return response.forward();
    return ok();
}

Result<Observations> AwsLambda::observe(std::string_view after) {
    constexpr std::string_view kNone = "this platform does not tell which calls it refuses, nor what it answers";
    const auto url = net::parse_url(impl_->options.endpoint);
    if (url && (url->host.find(".amazonaws.com") != std::string::npos || url->host.ends_with(".api.aws"))) return fail(Errc::unsupported, std::string(kNone));
    const std::string doing = "reading what became of calls";
    const auto response = impl_->channel.send(api::observations(after), doing);
    if (!response && (response.error().code == Errc::not_found || response.error().code == Errc::invalid_argument))
        return fail(Errc::unsupported, std::string(kNone));
    if (!response) return response.forward();
    auto told = api::parse_observations(response->body, name());
    if (!told) return told.forward(doing);
    return told;
}

Result<std::optional<std::uint32_t>> AwsLambda::reserved(const FunctionRef& function) {
    return api::reserved_concurrency(impl_->channel, function.name);
}

Status AwsLambda::reserve(const FunctionRef& function, std::optional<std::uint32_t> limit) {
    return api::reserve_concurrency(impl_->channel, function.name, limit);
}

Result<std::optional<Warm>> AwsLambda::kept_warm(const FunctionRef& function, const Qualifier& alias) {
    return api::provisioned_concurrency(impl_->channel, function.name, alias);
}

Status AwsLambda::keep_warm(const FunctionRef& function, const Qualifier& alias, std::optional<std::uint32_t> wanted) {
    return api::provision_concurrency(impl_->channel, function.name, alias, wanted);
}

}  // namespace autotune
