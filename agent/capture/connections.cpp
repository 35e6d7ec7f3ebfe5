#include "agent/capture/connections.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace autotune {

std::size_t Connections::KeyHash::operator()(const Key& key) const {
    const auto view = [](const Endpoint& e) {
        return std::string_view(reinterpret_cast<const char*>(e.address.data()), e.address.size());
    };
    std::size_t hash = key.low.port * std::size_t{65'537} + key.high.port * std::size_t{2} + key.tcp;
    for (const Endpoint* e : {&key.low, &key.high}) hash = hash * 0x9E3779B97F4A7C15u + std::hash<std::string_view>{}(view(*e));
    return hash;
}

bool Connections::client_is_source(const Segment& segment, bool& by_port) const {
    if (segment.syn) return !segment.ack;
    const bool asked = services_.contains(segment.target), answers = services_.contains(segment.source);
    if (segment.tcp && asked != answers) return asked;
    constexpr std::uint16_t kWellKnown = 1024;
    by_port = segment.tcp || (segment.source.port < kWellKnown && segment.target.port >= kWellKnown);
    return !by_port || segment.target.port <= segment.source.port;
}

void Connections::open(Connection& connection, const Key& key, const Segment& segment) {
    connection.by_port = false;
    const bool source = client_is_source(segment, connection.by_port);
    connection.client_is_low = (segment.source == key.low) == source;
    connection.fin_low = connection.fin_high = false;
    // Of UDP nothing says who asked but the order, which may have begun before the capture.
    if (segment.tcp && !connection.by_port && services_.size() < most_open_)
        services_.insert(source ? segment.target : segment.source);
}

void Connections::move_to(Connection& connection, const Key& key, State state) {
    silent_[connection.state].erase(connection.place);
    connection.state = state;
    connection.place = silent_[state].insert(silent_[state].end(), key);
}

void Connections::add(const Segment& segment, std::int64_t time_ns, std::vector<Flow>& out) {
    if (clock_ != INT64_MIN && time_ns < clock_ - kUdpIdle) {
        // It was set back, or one packet had a time far ahead: else all that follows would be silent for too long.
        ++counters_.clock_back;
        finish(out);
        clock_ = time_ns;
    }
    clock_ = std::max(clock_, time_ns);
    end_silent(out);
    const Key key{std::min(segment.source, segment.target), std::max(segment.source, segment.target), segment.tcp};
    const bool opens = segment.syn && !segment.ack;
    const State state = segment.tcp ? tcp_open : udp_open;
    auto at = known_.find(key);
    if (at != known_.end() && at->second.state == closed) {
        if (!opens) return;  // the last acknowledgement of what has ended
        silent_[closed].erase(at->second.place);
        known_.erase(at);
        at = known_.end();
    }
    if (at == known_.end()) {
        if (segment.rst) return;  // nothing begins with its end
        if (known_.size() >= most_open_) {
            if (!silent_[closed].empty())
                erase_oldest(closed, out);
            else
                ++counters_.forgotten, erase_oldest(silent_[state].empty() ? (segment.tcp ? udp_open : tcp_open) : state, out);
        }
        at = known_.emplace(key, Connection{}).first;
        at->second.state = state;
        at->second.place = silent_[state].insert(silent_[state].end(), key);
        at->second.start = at->second.last = time_ns;
        open(at->second, key, segment);
    }
    Connection& connection = at->second;
    connection.start = std::min(connection.start, time_ns), connection.last = std::max(connection.last, time_ns);
    if (segment.syn && connection.by_port) open(connection, key, segment);  // a packet came before it
    if (segment.fin) (segment.source == key.low ? connection.fin_low : connection.fin_high) = true;
    if (segment.rst || (connection.fin_low && connection.fin_high)) {
        end(key, connection, out);
        move_to(connection, key, closed);
    } else {
        move_to(connection, key, state);
    }
}

void Connections::end(const Key& key, const Connection& connection, std::vector<Flow>& out) {
    const Endpoint& client = connection.client_is_low ? key.low : key.high;
    const Endpoint& service = connection.client_is_low ? key.high : key.low;
    Flow flow{connection.start, connection.last, names_.host(client.host()), FlowNames::kNone};
    if (const std::uint32_t host = names_.host(service.host()); host != FlowNames::kNone)
        flow.service = names_.service(host, std::to_string(service.port) + (key.tcp ? "/tcp" : "/udp"));
    if (flow.source == FlowNames::kNone || flow.service == FlowNames::kNone) {
        ++counters_.nameless;
        return;
    }
    ++counters_.flows, counters_.by_port += connection.by_port;
    out.push_back(flow);
}

void Connections::erase_oldest(State state, std::vector<Flow>& out) {
    const Key key = silent_[state].front();
    const auto at = known_.find(key);
    if (state != closed) end(key, at->second, out);
    silent_[state].pop_front();
    known_.erase(at);
}

void Connections::end_silent(std::vector<Flow>& out) {
    constexpr std::int64_t kIdle[kStates] = {kTcpIdle, kUdpIdle, kUdpIdle};
    for (const State state : {tcp_open, udp_open, closed})
        while (!silent_[state].empty() && clock_ - known_.find(silent_[state].front())->second.last > kIdle[state])
            erase_oldest(state, out);
}

void Connections::finish(std::vector<Flow>& out) {
    const std::size_t before = out.size();
    for (const State state : {tcp_open, udp_open, closed})
        while (!silent_[state].empty()) erase_oldest(state, out);
    std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(),
                     [](const Flow& a, const Flow& b) { return a.end < b.end; });
}

}  // namespace autotune
