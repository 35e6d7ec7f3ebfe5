#include "exporters/render/profile_trace.hpp"

#include <cstdint>
#include <cstdio>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporters/render/amount.hpp"
#include "exporters/render/frame_tree.hpp"
#include "exporters/render/protobuf.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

constexpr FrameTreeLimits kLimits{.min_weight = 1, .max_boxes = 100'000, .max_depth = 1'000};

std::string shown(const FrameBox& box) {
    if (box.hidden > 0) return "(" + std::to_string(box.hidden) + " narrower)";
    return clean_text(box.name.empty() ? kUnknownFrame : std::string_view(box.name));
}

// What a reader must know of the axis.
std::string track_name(const Profile& profile, const FrameTree& tree) {
    const char* unit = profile.unit == ProfileUnit::nanoseconds ? ""
                       : profile.unit == ProfileUnit::bytes     ? "; 1 ns is 1 byte"
                                                                : "; 1 ns is 1 of them";
    std::string name = clean_text(profile.title) + ": " + human_total(profile, tree.total) +
                       ", merged stacks side by side, not in time" + unit;
    if (tree.hidden > 0)
        name += "; " + std::to_string(tree.hidden) + " narrow ones drawn together or not at all";
    if (tree.cut_weight > 0)
        name += "; " + human_amount(profile, tree.cut_weight) + " deeper than 1,000 levels cut";
    return name;
}

// Field numbers of Perfetto's trace_packet.proto, track_event.proto, track_descriptor.proto,
// interned_data.proto.
namespace perfetto {
constexpr std::uint32_t kPacket = 1;  // of a trace
constexpr std::uint32_t kTimestamp = 8, kSequence = 10, kTrackEvent = 11, kInterned = 12, kSequenceFlags = 13,
                        kTrackDescriptor = 60;                     // of a packet
constexpr std::uint32_t kUuid = 1, kName = 2;                      // of a track
constexpr std::uint32_t kType = 9, kNameId = 10, kTrackUuid = 11;  // of an event
constexpr std::uint64_t kSliceBegin = 1, kSliceEnd = 2;
constexpr std::uint32_t kEventNames = 2;  // interned: id 1, name 2
constexpr std::uint64_t kStateCleared = 1, kNeedsState = 2;
}  // namespace perfetto

class PerfettoWriter {
public:
    std::string write(const Profile& profile, const FrameTree& tree) {
        ProtobufWriter track, packet;
        track.number(perfetto::kUuid, kTrack);
        track.bytes(perfetto::kName, track_name(profile, tree));
        packet.message(perfetto::kTrackDescriptor, track);
        put(packet, perfetto::kStateCleared);
        std::vector<const FrameBox*> open;
        const auto close = [&](std::size_t depth) {
            for (; open.size() > depth; open.pop_back())
                event(perfetto::kSliceEnd, open.back()->left + open.back()->weight, nullptr);
        };
        for (const FrameBox& box : tree.boxes) {
            close(box.depth);
            event(perfetto::kSliceBegin, box.left, &box);
            open.push_back(&box);
        }
        close(0);
        return trace_.text();
    }

private:
    static constexpr std::uint64_t kTrack = 1;

    void put(ProtobufWriter& packet, std::uint64_t flags) {
        packet.number(perfetto::kSequence, 1);
        packet.number(perfetto::kSequenceFlags, flags);
        trace_.message(perfetto::kPacket, packet);
    }

    void event(std::uint64_t type, std::uint64_t at, const FrameBox* box) {
        ProtobufWriter packet, event;
        // Written also when it is 0: without one the packet has the time of the one before.
        packet.varint(perfetto::kTimestamp << 3);
        packet.varint(at);
        event.number(perfetto::kType, type);
        event.number(perfetto::kTrackUuid, kTrack);
        if (box != nullptr) event.number(perfetto::kNameId, name_id(shown(*box), packet));
        packet.message(perfetto::kTrackEvent, event);
        put(packet, perfetto::kNeedsState);
    }

    // A name is told in the first packet that uses it.
    std::uint64_t name_id(const std::string& name, ProtobufWriter& packet) {
        const auto [known, fresh] = names_.try_emplace(name, names_.size() + 1);
        if (fresh) {
            ProtobufWriter entry, interned;
            entry.number(1, known->second);
            entry.bytes(2, name);
            interned.message(perfetto::kEventNames, entry);
            packet.message(perfetto::kInterned, interned);
        }
        return known->second;
    }

    ProtobufWriter trace_;
    std::unordered_map<std::string, std::uint64_t> names_;
};

// Chrome counts in microseconds.
std::string microseconds(std::uint64_t ns) {
    char text[40];
    std::snprintf(text, sizeof text, "%llu.%03llu", static_cast<unsigned long long>(ns / 1000),
                  static_cast<unsigned long long>(ns % 1000));
    return text;
}

}  // namespace

std::string profile_perfetto(const Profile& profile) {
    return PerfettoWriter().write(profile, frame_tree(profile, kLimits));
}

std::string profile_chrome(const Profile& profile) {
    const FrameTree tree = frame_tree(profile, kLimits);
    std::string out = R"({"displayTimeUnit":"ns","traceEvents":[)"
                      "\n"
                      R"({"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":)" +
                      json_string(track_name(profile, tree)) + "}}";
    for (const FrameBox& box : tree.boxes) {
        out += ",\n{\"ph\":\"X\",\"cat\":\"profile\",\"name\":" + json_string(shown(box)) +
               ",\"pid\":1,\"tid\":1,\"ts\":" + microseconds(box.left) +
               ",\"dur\":" + microseconds(box.weight) +
               ",\"args\":{\"weight\":" + json_string(human_amount(profile, box.weight));
        if (!profile.before.empty()) out += ",\"before\":" + json_string(human_amount(profile, box.before));
        out += "}}";
    }
    return out + "\n]}\n";
}

}  // namespace autotune::render
