#include "host/control/call_log.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <utility>

#include "core/observations.hpp"
#include "host/control/digest.hpp"

namespace autotune::host {

CallLog::CallLog() : name_(random_uuid()) {
    std::random_device random;
    if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1)
        for (unsigned char& byte : key_) byte = static_cast<unsigned char>(random());
}

void CallLog::add(LoggedCall call) {
    call.number = next_++;
    calls_.push_back(std::move(call));
    if (calls_.size() > kMost) calls_.pop_front();
}

std::uint64_t CallLog::hash(std::string_view first, std::string_view second) const {
    // The length keeps "ab" and "c" apart from "a" and "bc".
    std::string all = std::to_string(first.size()) + ":";
    all.append(first).append(second);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(all.data()), all.size(),
         digest.data(), &size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | digest[i];
    return value;
}

std::string CallLog::cursor_at(std::uint64_t number) const { return name_ + "." + std::to_string(number); }

Result<CallLog::Page> CallLog::after(std::string_view cursor) const {
    const std::size_t dot = cursor.rfind('.');
    const std::string_view name = cursor.substr(0, std::min(dot, cursor.size()));
    std::uint64_t from = 0;
    const std::uint64_t first = calls_.empty() ? next_ : calls_.front().number;
    if (cursor == kOldestObservation) {
        from = first;
    } else if (cursor.empty()) {
        from = next_;
    } else {
        const std::string_view digits = dot == std::string_view::npos ? std::string_view() : cursor.substr(dot + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), from);
        if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
            return fail(Errc::invalid_argument, "\"" + std::string(cursor) + "\" is not where an answer said to go on");
        // Of a host before this one: all of this one's calls came since, those that it forgot, too.
        if (name != name_) from = 1;
    }
    Page page;
    if (from >= next_) {
        page.next = cursor_at(next_);
        return page;
    }
    page.missed = first > from ? first - from : 0;
    const std::uint64_t begin = std::max(first, from), end = std::min<std::uint64_t>(next_, begin + kPage);
    for (std::uint64_t n = begin; n < end; ++n) page.calls.push_back(&calls_[n - first]);
    page.next = cursor_at(end);
    page.more = end < next_;
    return page;
}

}  // namespace autotune::host
