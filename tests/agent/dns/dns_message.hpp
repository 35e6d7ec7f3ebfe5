// Writes name servers' answers, for tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace autotune::test {

class DnsMessage {
public:
    // The header, and the question for `name` if it is not empty.
    explicit DnsMessage(std::string_view name, std::uint16_t flags = 0x8180) {
        put16(0x1234), put16(flags), put16(name.empty() ? 0 : 1), put16(0), put16(0), put16(0);
        if (!name.empty()) put_name(name), put16(1), put16(1);
    }

    DnsMessage& record(std::string_view owner, std::uint16_t type, const std::string& data) {
        put_name(owner);
        return record_behind_name(type, data);
    }
    // Its owner is the name at this offset of the message: 12 is the question's.
    DnsMessage& record_of(std::uint16_t offset, std::uint16_t type, const std::string& data) {
        put16(static_cast<std::uint16_t>(0xc000 | offset));
        return record_behind_name(type, data);
    }
    DnsMessage& a(std::string_view owner, const std::string& address) { return record(owner, 1, address); }
    DnsMessage& cname(std::string_view owner, std::string_view target) { return record(owner, 5, wire(target)); }

    [[nodiscard]] const std::string& text() const { return bytes_; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

    // Labels, an empty one at the end.
    [[nodiscard]] static std::string wire(std::string_view name) {
        std::string all;
        while (!name.empty()) {
            const std::string_view label = name.substr(0, name.find('.'));
            all += static_cast<char>(label.size());
            all += label;
            name.remove_prefix(std::min(name.size(), label.size() + 1));
        }
        return all + '\0';
    }

private:
    DnsMessage& record_behind_name(std::uint16_t type, const std::string& data) {
        put16(type), put16(1), put16(0), put16(60), put16(static_cast<std::uint16_t>(data.size()));
        bytes_ += data;
        ++bytes_[7];  // answers
        return *this;
    }
    void put_name(std::string_view name) { bytes_ += wire(name); }
    void put16(std::uint16_t v) { bytes_ += static_cast<char>(v >> 8), bytes_ += static_cast<char>(v & 0xff); }

    std::string bytes_;
};

}  // namespace autotune::test
