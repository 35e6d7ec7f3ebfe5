// A name server's answer (RFC 1035): which addresses the name that was asked for has.
//
// Pure and total: any bytes are accepted; what makes no sense gives no names. Of an answer that was cut, what
// is whole counts.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/endpoint.hpp"

namespace autotune {

struct NamedAddress {
    std::string name;  // lower case, no dot at the end; bytes that are no plain text as \DDD
    Endpoint address;  // IPv4 or IPv6, port 0
};

// A and AAAA records of the name in the question, or of what it is an alias of (CNAME). Empty when the message
// is a query, tells an error, or has not exactly one question.
[[nodiscard]] std::vector<NamedAddress> parse_dns_answer(std::span<const std::byte> message);

// Over TCP two bytes with the length are before each message: leaves them out if they are there.
[[nodiscard]] std::span<const std::byte> without_length(std::span<const std::byte> stream);

}  // namespace autotune
