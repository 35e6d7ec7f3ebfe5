#include "agent/capture/socket_snapshots.hpp"

#include <algorithm>
#include <array>

#include "agent/flows/fixed_point.hpp"

namespace autotune {

namespace {

constexpr std::string_view kSpace = " \t";

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
        words.push_back(text.substr(at, end - at));
        at = text.find_first_not_of(kSpace, end);
    }
    return words;
}

bool is_number(std::string_view word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 2> kKinds{"tcp", "udp"};
constexpr std::array<std::string_view, 3> kHeads{"State", "Netid", "Recv-Q"};
constexpr std::array<std::string_view, 11> kOtherKinds{"nl",  "p_raw", "p_dgr", "u_str", "u_dgr", "u_seq",
                                                       "raw", "icmp6", "v_str", "v_dgr", "???"};
constexpr std::array<std::string_view, 8> kOpen{"ESTAB",      "SYN-SENT",   "SYN-RECV", "FIN-WAIT-1",
                                                "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSING"};
constexpr std::array<std::string_view, 2> kOver{"TIME-WAIT", "CLOSED"};

// Who listens on all addresses has none.
std::string listening_host(const std::string& host) {
    return host == "0.0.0.0" || host == "::" || host == "*" ? std::string() : host;
}

}  // namespace

// "10.0.0.1:80", "[::1]:80", "10.0.0.1%eth0:80", "[fe80::1]%eth0:80", "[::ffff:10.0.0.1]:80", "*:80"
bool SocketSnapshots::read_side(std::string_view text, Side& side) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
    std::string_view host = text.substr(0, colon);
    host = host.substr(0, host.find('%'));
    if (host.starts_with('[')) host.remove_prefix(1);
    if (host.ends_with(']')) host.remove_suffix(1);
    if (host.starts_with("::ffff:") && host.find('.') != std::string_view::npos) host.remove_prefix(7);
    side = {std::string(host), std::string(text.substr(colon + 1))};
    return !host.empty();
}

void SocketSnapshots::skip(const std::string& why) {
    ++skipped_;
    if (told_.size() < kTold) told_.push_back(std::to_string(number_) + ": " + why);
}

void SocketSnapshots::socket(std::string_view text) {
    std::vector<std::string_view> words = words_of(text);
    if (is_one_of(words[0], kHeads) || is_one_of(words[0], kOtherKinds)) return;
    Side local, peer;
    std::string kind;
    if (is_one_of(words[0], kKinds)) kind = words[0], words.erase(words.begin());
    std::string_view state = "ESTAB";
    if (!words.empty() && !is_number(words[0])) state = words[0], words.erase(words.begin());
    if (words.size() < 4 || !is_number(words[0]) || !is_number(words[1]) || !read_side(words[2], local) ||
        !read_side(words[3], peer))
        return skip("no socket as ss lists them");
    if (is_one_of(state, kOver)) return;
    if (state == "LISTEN" || state == "UNCONN") {
        const bool udp = state == "UNCONN";  // a server, or one that waits for an answer
        if (kind.empty()) (udp ? of_udp_ : of_tcp_) = true;
        if (listening_.size() >= kMostOpen) return skip("too many that listen");
        listening_.insert({udp ? "udp" : "tcp", {listening_host(local.host), local.port}});
    } else if (is_one_of(state, kOpen)) {
        if (sockets_.size() >= kMostOpen) return skip("too many connections at once");
        sockets_.insert({std::move(local), std::move(peer), std::move(kind)});
    } else {
        skip("no state of a socket: \"" + std::string(state.substr(0, 40)) + "\"");
    }
}

bool SocketSnapshots::listens(const std::string& kind, const Side& side) const {
    return listening_.contains({kind, side}) || listening_.contains({kind, {"", side.port}});
}

bool SocketSnapshots::is_service(const std::string& kind, const Side& side, const Side& other) const {
    const bool one = listens(kind, side), another = listens(kind, other);
    if (one != another) return one;
    const auto first = listening_.lower_bound({kind, {}});
    if (!one && first != listening_.end() && first->first == kind) return false;  // it would be listed: so the service is elsewhere
    const bool numbers = is_number(side.port) && is_number(other.port);
    return numbers && (side.port.size() != other.port.size() ? side.port.size() < other.port.size() : side.port < other.port);
}

void SocketSnapshots::end_snapshot(std::vector<Flow>& out) {
    for (const auto& [local, peer, told_kind] : sockets_) {
        const std::string kind = !told_kind.empty() ? told_kind : of_udp_ && !of_tcp_ ? "udp" : "tcp";
        Connection connection{local, peer, kind};
        if (is_service(kind, local, peer)) std::swap(std::get<0>(connection), std::get<1>(connection));
        if (const auto at = open_.find(connection); at != open_.end())
            at->second.last = time_;
        else if (open_.size() < kMostOpen)
            open_.emplace(std::move(connection), Seen{time_, time_});
        else
            skip("too many connections at once");
    }
    of_tcp_ = of_udp_ = false;
    sockets_.clear();
    std::erase_if(open_, [&](const auto& one) {
        if (one.second.last == time_) return false;
        end(one.first, one.second, out);
        return true;
    });
}

void SocketSnapshots::end(const Connection& connection, const Seen& seen, std::vector<Flow>& out) {
    const auto& [client, service, kind] = connection;
    Flow flow{seen.first, seen.last, names_.host(client.host), FlowNames::kNone};
    if (const std::uint32_t host = names_.host(service.host); host != FlowNames::kNone)
        flow.service = names_.service(host, service.port + "/" + kind);
    if (flow.source == FlowNames::kNone || flow.service == FlowNames::kNone) return skip("too many different names");
    out.push_back(flow);
}

void SocketSnapshots::line(std::string_view text, std::vector<Flow>& out) {
    ++number_;
    if (!state_ || text.find_first_not_of(kSpace) == std::string_view::npos) return;
    if (begun_ && kSpace.find(text[0]) != std::string_view::npos) return;  // more about the socket before, as ss -i has it
    const std::vector<std::string_view> words = words_of(text);
    const auto time = words.size() == 1 ? fixed_point(words[0], 9) : std::nullopt;
    if (!begun_ && !time) {
        state_ = fail(Errc::invalid_argument,
                      std::to_string(number_) + ": each list begins with its time, a line that is only a number, as after date +%s.%N");
        return;
    }
    if (!time) {
        if (!backwards_) socket(text);
        return;
    }
    if (begun_ && !backwards_) end_snapshot(out);
    backwards_ = begun_ && *time <= time_;
    begun_ = true;
    if (backwards_) return skip(*time == time_ ? "the same time as the list before: this one is passed over"
                                              : "the clock ran backwards: this list is passed over");
    time_ = *time;
    ++snapshots_;
}

Status SocketSnapshots::feed(std::string_view piece, std::vector<Flow>& out) {
    lines_.feed(piece, [&](std::string_view text) { line(text, out); });
    return state_;
}

Status SocketSnapshots::finish(std::vector<Flow>& out) {
    lines_.finish([&](std::string_view text) { line(text, out); });
    if (state_ && !begun_) return fail(Errc::invalid_argument, "1: there is nothing in it");
    if (!state_) return state_;
    if (!backwards_) end_snapshot(out);
    for (const auto& [connection, seen] : open_) end(connection, seen, out);
    open_.clear();
    return ok();
}

}  // namespace autotune
