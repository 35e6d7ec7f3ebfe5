#include "knowledge/io_json.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/json_integer.hpp"

namespace autotune {

namespace {
using nlohmann::json;

std::string text_of(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

template <class Item, class Read>
Result<std::vector<Item>> parse_list(std::string_view text, Read read) {
    try {
        std::vector<Item> list;
        for (const json& j : json::parse(text)) list.push_back(read(j));
        return list;
    } catch (const std::exception& e) {
        return fail(Errc::corrupt, e.what());
    }
}

PeerIo to_peer(const json& j) {
    PeerIo p;
    const json& address = j.at("address");
    for (std::size_t i = 0; i < p.peer.address.size(); ++i)
        p.peer.address[i] = integer_of<std::uint8_t>(address.at(i));
    p.peer.port = integer_of<std::uint16_t>(j.at("port"));
    p.peer.family = static_cast<AddressFamily>(integer_of<std::uint8_t>(j.at("family")));
    p.name = j.at("name").get<std::string>();
    p.connects = integer_of<std::uint64_t>(j.at("connects"));
    p.failures = integer_of<std::uint64_t>(j.at("failures"));
    if (j.contains("failed_connects"))  // not in the first records
        p.failed_connects = integer_of<std::uint64_t>(j.at("failed_connects"));
    if (j.contains("retransmits")) {
        p.retransmits = integer_of<std::uint64_t>(j.at("retransmits"));
        p.resets = integer_of<std::uint64_t>(j.at("resets"));
    }
    p.calls = integer_of<std::uint64_t>(j.at("calls"));
    p.bytes_sent = integer_of<std::uint64_t>(j.at("bytes_sent"));
    p.bytes_received = integer_of<std::uint64_t>(j.at("bytes_received"));
    p.wait = Nanos(integer_of<std::int64_t>(j.at("wait_ns")));
    p.slowest = Nanos(integer_of<std::int64_t>(j.at("slowest_ns")));
    return p;
}

FileIo to_file(const json& j) {
    FileIo f;
    f.path = j.at("path").get<std::string>();
    f.opens = integer_of<std::uint64_t>(j.at("opens"));
    f.bytes_read = integer_of<std::uint64_t>(j.at("bytes_read"));
    f.bytes_written = integer_of<std::uint64_t>(j.at("bytes_written"));
    f.syncs = integer_of<std::uint64_t>(j.at("syncs"));
    if (j.contains("lists")) {  // not in the first records
        f.lists = integer_of<std::uint64_t>(j.at("lists"));
        f.changes = integer_of<std::uint64_t>(j.at("changes"));
    }
    f.failures = integer_of<std::uint64_t>(j.at("failures"));
    f.wait = Nanos(integer_of<std::int64_t>(j.at("wait_ns")));
    return f;
}
}  // namespace

std::string to_json(const std::vector<PeerIo>& peers) {
    json list = json::array();
    for (const PeerIo& p : peers)
        list.push_back({{"address", p.peer.address},
                        {"port", p.peer.port},
                        {"family", static_cast<int>(p.peer.family)},
                        {"name", p.name},
                        {"connects", p.connects},
                        {"failures", p.failures},
                        {"failed_connects", p.failed_connects},
                        {"retransmits", p.retransmits},
                        {"resets", p.resets},
                        {"calls", p.calls},
                        {"bytes_sent", p.bytes_sent},
                        {"bytes_received", p.bytes_received},
                        {"wait_ns", p.wait.count()},
                        {"slowest_ns", p.slowest.count()}});
    return text_of(list);
}

std::string to_json(const std::vector<FileIo>& files) {
    json list = json::array();
    for (const FileIo& f : files)
        list.push_back({{"path", f.path},
                        {"opens", f.opens},
                        {"bytes_read", f.bytes_read},
                        {"bytes_written", f.bytes_written},
                        {"syncs", f.syncs},
                        {"lists", f.lists},
                        {"changes", f.changes},
                        {"failures", f.failures},
                        {"wait_ns", f.wait.count()}});
    return text_of(list);
}

std::string to_json(const std::vector<UndecodedWork>& works) {
    json list = json::array();
    for (const UndecodedWork& work : works) list.push_back({{"what", work.what}, {"count", work.count}});
    return text_of(list);
}

std::string to_json(const std::vector<FunctionCall>& calls) {
    json list = json::array();
    for (const FunctionCall& call : calls)
        list.push_back({{"function", call.function},
                        {"trace_id", call.trace_id},
                        {"start_ns", call.start.count()},
                        {"duration_ns", call.duration.count()},
                        {"status", call.status}});
    return text_of(list);
}

Result<std::vector<FunctionCall>> calls_from_json(std::string_view text) {
    return parse_list<FunctionCall>(text, [](const json& j) {
        return FunctionCall{.function = j.at("function").get<std::string>(),
                            .trace_id = j.at("trace_id").get<std::string>(),
                            .start = Nanos(integer_of<std::int64_t>(j.at("start_ns"))),
                            .duration = Nanos(integer_of<std::int64_t>(j.at("duration_ns"))),
                            .status = integer_of<std::uint16_t>(j.at("status"))};
    });
}

Result<std::vector<UndecodedWork>> undecoded_from_json(std::string_view text) {
    return parse_list<UndecodedWork>(text, [](const json& j) {
        return UndecodedWork{j.at("what").get<std::string>(), integer_of<std::uint64_t>(j.at("count"))};
    });
}

Result<std::vector<PeerIo>> peers_from_json(std::string_view text) {
    return parse_list<PeerIo>(text, to_peer);
}

Result<std::vector<FileIo>> files_from_json(std::string_view text) {
    return parse_list<FileIo>(text, to_file);
}

}  // namespace autotune
