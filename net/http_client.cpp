#include "net/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "net/url.hpp"

namespace autotune::net {
namespace {

struct CurlList {
    ~CurlList() { curl_slist_free_all(head); }
    CurlList() = default;
    CurlList(const CurlList&) = delete;
    CurlList& operator=(const CurlList&) = delete;
    void add(const std::string& line) { head = curl_slist_append(head, line.c_str()); }
    curl_slist* head = nullptr;
};

// What curl's callbacks fill. Nothing may be thrown through curl: an allocation that fails aborts the
// transfer.
struct Incoming {
    HttpResponse response;
    std::size_t limit = 0;
    bool too_large = false;
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& in = *static_cast<Incoming*>(user);
    in.too_large = in.response.body.size() + size > in.limit;
    if (in.too_large) return 0;
    try {
        in.response.body.append(data, size);
    } catch (const std::bad_alloc&) {
        return 0;
    }
    return size;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& headers = static_cast<Incoming*>(user)->response.headers;
    const std::string_view line(data, size);
    try {
        if (line.starts_with("HTTP/")) {  // of the final answer, not of "100 Continue" before it
            headers = {};
            return size;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return size;
        const auto first = line.find_first_not_of(" \t", colon + 1);
        const auto last = line.find_last_not_of(" \t\r\n");
        const bool has_value = first != std::string_view::npos && last >= first;
        headers.add(std::string(line.substr(0, colon)),
                    has_value ? std::string(line.substr(first, last - first + 1)) : "");
    } catch (const std::bad_alloc&) {
        return 0;
    }
    return size;
}

int ask_whether_to_give_up(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return (*static_cast<const std::function<bool()>*>(user))() ? 1 : 0;
}

bool one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Status add_headers(const HttpRequest& request, CurlList& list) {
    for (const auto& [name, value] : request.headers) {
        if (name.empty() || !one_line(name) || !one_line(value))
            return fail(Errc::invalid_argument, "header '" + name + "' holds a line break");
        list.add(value.empty() ? name + ";"
                               : name + ": " + value);  // ";" is how curl is told of an empty value
    }
    // Not asked for: a wait of up to a second before large bodies, and a type that bodies here never have.
    if (!request.headers.contains("Expect")) list.add("Expect:");
    if (!request.headers.contains("Content-Type")) list.add("Content-Type:");
    return ok();
}

bool loopback(const std::string& host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

void start_curl_once() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)started;  // what it could not do, each transfer tells
}

}  // namespace

struct HttpClient::Impl {
    explicit Impl(HttpClientOptions given)
        : options(std::move(given)), curl(curl_easy_init(), &curl_easy_cleanup) {}

    void prepare(const std::string& url, const HttpRequest& request, const CurlList& headers, Incoming& in);
    Unexpected explain(CURLcode code, const std::string& doing, const Incoming& in, const char* detail) const;

    HttpClientOptions options;
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl;
};

void HttpClient::Impl::prepare(const std::string& url, const HttpRequest& request, const CurlList& headers,
                               Incoming& in) {
    CURL* c = curl.get();
    curl_easy_reset(c);  // options only: connections stay open
    curl_easy_setopt(c, CURLOPT_URL, url.c_str());
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);  // signatures cover the path as it is
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, options.user_agent.c_str());
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.head);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(to_ms(options.connect_timeout)));
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(to_ms(options.timeout)));
    if (!options.ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, options.ca_file.c_str());
    if (const auto parsed = parse_url(url); parsed && loopback(parsed->host))
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    if (options.give_up) {
        curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, &ask_whether_to_give_up);
        curl_easy_setopt(c, CURLOPT_XFERINFODATA, &options.give_up);
    }
    if (request.method == "HEAD") {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, request.body.c_str());  // not copied
    }
    if (request.method != "HEAD") curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, &take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &in);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, &take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &in);
}

Unexpected HttpClient::Impl::explain(CURLcode code, const std::string& doing, const Incoming& in,
                                     const char* detail) const {
    const std::string reason = doing + ": " + (*detail != '\0' ? detail : curl_easy_strerror(code));
    if (in.too_large)
        return fail(Errc::resource_exhausted,
                    doing + ": the answer is larger than " + std::to_string(in.limit) + " bytes");
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_SSL_CACERT_BADFILE)
        return fail(Errc::invalid_argument, reason);
    if (code == CURLE_OUT_OF_MEMORY) return fail(Errc::internal, reason);

    long sent = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_REQUEST_SIZE, &sent);
    if (sent == 0) return fail(Errc::unavailable, reason);
    const bool gave_up = code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK;
    const Errc kind = gave_up ? Errc::timed_out : Errc::unavailable;
    return fail(kind, reason + " (after the request was sent)");
}

HttpClient::HttpClient(HttpClientOptions options) {
    start_curl_once();
    impl_ = std::make_unique<Impl>(std::move(options));
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpResponse> HttpClient::send(const std::string& base, const HttpRequest& request) {
    const std::string doing = request.method + " " + base + request.target;
    if (!impl_->curl) return fail(Errc::internal, doing + ": libcurl could not start");
    std::string url = base;
    while (url.ends_with('/')) url.pop_back();
    url += request.target;
    if (!one_line(url)) return fail(Errc::invalid_argument, doing + ": the URL holds a line break");

    CurlList headers;
    if (Status added = add_headers(request, headers); !added) return added.forward(doing);
    Incoming in;
    in.limit = impl_->options.response_limit;
    char detail[CURL_ERROR_SIZE] = "";
    impl_->prepare(url, request, headers, in);
    curl_easy_setopt(impl_->curl.get(), CURLOPT_ERRORBUFFER, detail);
    const CURLcode code = curl_easy_perform(impl_->curl.get());
    curl_easy_setopt(impl_->curl.get(), CURLOPT_ERRORBUFFER, nullptr);
    if (code != CURLE_OK) return impl_->explain(code, doing, in, detail);
    long status = 0;
    curl_easy_getinfo(impl_->curl.get(), CURLINFO_RESPONSE_CODE, &status);
    in.response.status = static_cast<int>(status);
    return std::move(in.response);
}

}  // namespace autotune::net
