#include "knowledge/io_json.hpp"

#include <nlohmann/json.hpp>

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
    } catch (const json::exception& e) {
        return fail(Errc::corrupt, e.what());
    }
}

PeerIo to_peer(const json& j) {
    PeerIo p;
    p.peer = {.address = j.at("address").get<decltype(p.peer.address)>(),
              .port = j.at("port").get<std::uint16_t>(),
              .family = static_cast<AddressFamily>(j.at("family").get<int>())};
    p.name = j.at("name").get<std::string>();
    p.connects = j.at("connects").get<std::uint64_t>();
    p.failures = j.at("failures").get<std::uint64_t>();
    p.failed_connects = j.value("failed_connects", std::uint64_t{0});  // not in the first records
    p.calls = j.at("calls").get<std::uint64_t>();
    p.bytes_sent = j.at("bytes_sent").get<std::uint64_t>();
    p.bytes_received = j.at("bytes_received").get<std::uint64_t>();
    p.wait = Nanos(j.at("wait_ns").get<std::int64_t>());
    p.slowest = Nanos(j.at("slowest_ns").get<std::int64_t>());
    return p;
}

FileIo to_file(const json& j) {
    FileIo f;
    f.path = j.at("path").get<std::string>();
    f.opens = j.at("opens").get<std::uint64_t>();
    f.bytes_read = j.at("bytes_read").get<std::uint64_t>();
    f.bytes_written = j.at("bytes_written").get<std::uint64_t>();
    f.syncs = j.at("syncs").get<std::uint64_t>();
    f.failures = j.at("failures").get<std::uint64_t>();
    f.wait = Nanos(j.at("wait_ns").get<std::int64_t>());
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
                        {"failures", f.failures},
                        {"wait_ns", f.wait.count()}});
    return text_of(list);
}

Result<std::vector<PeerIo>> peers_from_json(std::string_view text) {
    return parse_list<PeerIo>(text, to_peer);
}

Result<std::vector<FileIo>> files_from_json(std::string_view text) {
    return parse_list<FileIo>(text, to_file);
}

}  // namespace autotune
