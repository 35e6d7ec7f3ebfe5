// HTTP messages as plain values, shared by server and client.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace autotune::net {

// Field names compare without case; order is kept.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
    void set(std::string_view name, std::string value);               // replaces all of that name
    [[nodiscard]] std::string_view get(std::string_view name) const;  // first; "" when absent
    [[nodiscard]] bool contains(std::string_view name) const;
    [[nodiscard]] auto begin() const { return fields_.begin(); }
    [[nodiscard]] auto end() const { return fields_.end(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";  // path and query as sent, percent-encoded
    Headers headers;
    std::string body;
};

struct HttpResponse {
    int status = 200;
    Headers headers;  // Content-Length is the server's
    std::string body;
};

}  // namespace autotune::net
