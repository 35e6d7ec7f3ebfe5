// SocketSnapshots: what `ss` lists again and again, to flows.
//
//   for i in $(seq 300); do date +%s.%N; ss -tan; sleep 0.2; done > sockets.txt
//
// A line that is only a number is the time, in seconds, of the lines after it. Those are those of ss(8), with or without its heads, -u and
// other columns behind; the kind (tcp, udp) and the state may be missing, as where ss was told which to list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/flows/csv_rows.hpp"
#include "core/flow.hpp"
#include "core/result.hpp"

namespace autotune {

// A connection is a flow from the first snapshot that has it to the last of those in a row; one that lives between two is not seen. The side
// that is listened on is the service; where no line says who listens, the one with the lower port. Lines that
// cannot be used are skipped, counted and told. One owner.
class SocketSnapshots {
public:
    static constexpr std::size_t kTold = 10, kMostOpen = 1'000'000;

    explicit SocketSnapshots(FlowNames& names) : names_(names) {}

    // Errors: invalid_argument, "1: what", for a text that does not begin with a time.
    [[nodiscard]] Status feed(std::string_view piece, std::vector<Flow>& out);
    [[nodiscard]] Status finish(std::vector<Flow>& out);

    [[nodiscard]] std::uint64_t snapshots() const { return snapshots_; }
    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
    // "17: no socket", the first kTold.
    [[nodiscard]] const std::vector<std::string>& told() const { return told_; }

private:
    struct Side {
        std::string host, port;
        auto operator<=>(const Side&) const = default;
    };
    using Connection = std::tuple<Side, Side, std::string>;  // client, service, kind
    using Socket = std::tuple<Side, Side, std::string>;      // local, peer, kind or empty
    struct Seen {
        std::int64_t first = 0, last = 0;
    };

    void line(std::string_view text, std::vector<Flow>& out);
    void socket(std::string_view text);
    void end_snapshot(std::vector<Flow>& out);
    void end(const Connection& connection, const Seen& seen, std::vector<Flow>& out);
    void skip(const std::string& why);
    [[nodiscard]] bool listens(const std::string& kind, const Side& side) const;
    [[nodiscard]] bool is_service(const std::string& kind, const Side& side, const Side& other) const;
    static bool read_side(std::string_view text, Side& side);

    FlowNames& names_;
    TextLines lines_;
    Status state_;
    std::uint64_t number_ = 0, snapshots_ = 0, skipped_ = 0;
    std::int64_t time_ = INT64_MIN;
    bool begun_ = false, backwards_ = false;
    bool of_tcp_ = false, of_udp_ = false;  // the list that is read has no kinds, and what only they have
    std::set<Socket> sockets_;   // of the list that is read
    std::set<std::pair<std::string, Side>> listening_;  // ever, by kind; host empty: on all addresses
    std::map<Connection, Seen> open_;
    std::vector<std::string> told_;
};

}  // namespace autotune
