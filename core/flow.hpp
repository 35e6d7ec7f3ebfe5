// Flow: who talked to which service, from when to when. All that topology needs where nothing else is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace autotune {

// Times in nanoseconds of any one clock. Ids are those of the FlowNames beside it.
struct Flow {
    std::int64_t start = 0, end = 0;
    std::uint32_t source = 0;   // host
    std::uint32_t service = 0;  // a host and a label
};

// Hosts (addresses), labels ("80/tcp"; "" where a host is one service) and services, which are a host with a
// label. Append-only and bounded: past `capacity` of one kind there is no id. Not thread-safe.
class FlowNames {
public:
    static constexpr std::uint32_t kNone = 0xffffffff;

    explicit FlowNames(std::size_t capacity = 1'000'000) : capacity_(capacity) {}

    // kNone when there are too many.
    std::uint32_t host(std::string_view address) { return intern(hosts_, address); }
    std::uint32_t service(std::uint32_t host, std::string_view label);

    [[nodiscard]] std::size_t services() const { return services_.size(); }
    [[nodiscard]] std::uint32_t host_of(std::uint32_t service) const { return services_[service].host; }
    [[nodiscard]] std::uint32_t label_of(std::uint32_t service) const { return services_[service].label; }
    // "10.0.0.1:80/tcp"
    [[nodiscard]] std::string name(std::uint32_t service) const;

private:
    struct Texts {
        std::deque<std::string> all;
        std::unordered_map<std::string_view, std::uint32_t> ids;  // keys point into `all`
    };
    struct Service {
        std::uint32_t host, label;
    };
    std::uint32_t intern(Texts& texts, std::string_view text);

    std::size_t capacity_;
    Texts hosts_, labels_;
    std::vector<Service> services_;
    std::unordered_map<std::uint64_t, std::uint32_t> ids_;
};

}  // namespace autotune
