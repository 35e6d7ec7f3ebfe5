#include "exporters/render/pprof.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exporters/render/gzip.hpp"
#include "exporters/render/protobuf.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

// Fields of profile.proto.
enum class InProfile : std::uint32_t {
    sample_type = 1,
    sample = 2,
    mapping = 3,
    location = 4,
    function = 5,
    string_table = 6,
    time_nanos = 9,
    duration_nanos = 10,
    period_type = 11,
    period = 12,
};
constexpr std::uint32_t field(InProfile f) { return static_cast<std::uint32_t>(f); }

std::string_view unit_of(ProfileUnit unit) {
    switch (unit) {
        case ProfileUnit::nanoseconds: return "nanoseconds";
        case ProfileUnit::bytes: return "bytes";
        case ProfileUnit::count: return "count";
    }
    return "count";
}

class PprofWriter {
public:
    explicit PprofWriter(const Profile& profile) : profile_(profile) { string(""); }

    std::string write(const PprofOptions& options) {
        if (counts_beside()) value_type(InProfile::sample_type, "samples", "count");
        value_type(InProfile::sample_type, profile_.measure, unit_of(profile_.unit));
        samples();
        places();
        value_type(InProfile::period_type, profile_.measure, unit_of(profile_.unit));
        out_.number(field(InProfile::period), profile_.period);
        out_.number(field(InProfile::time_nanos), static_cast<std::uint64_t>(std::max<std::int64_t>(
                                                      options.start.time_since_epoch().count(), 0)));
        out_.number(field(InProfile::duration_nanos),
                    static_cast<std::uint64_t>(std::max<std::int64_t>(options.duration.count(), 0)));
        for (const std::string_view text : strings_)
            out_.bytes(field(InProfile::string_table), clean_text(text));
        return out_.text();
    }

private:
    // A weight that is itself a count has none beside it.
    [[nodiscard]] bool counts_beside() const { return profile_.unit != ProfileUnit::count; }

    // Views into the profile, or constants.
    std::uint64_t string(std::string_view text) {
        const auto [at, fresh] = string_ids_.try_emplace(text, strings_.size());
        if (fresh) strings_.push_back(text);
        return at->second;
    }

    void value_type(InProfile where, std::string_view type, std::string_view unit) {
        ProtobufWriter value;
        value.number(1, string(type));
        value.number(2, string(unit));
        out_.message(field(where), value);
    }

    void samples() {
        ProtobufWriter sample, list;
        for (const ProfileNode& last : profile_.nodes) {
            if (last.self == 0) continue;
            sample.clear(), list.clear();
            for (const ProfileNode* node = &last; node != profile_.nodes.data();
                 node = &profile_.nodes[node->parent])
                list.varint(node->frame + 1);
            sample.bytes(1, list.text());
            list.clear();
            if (counts_beside())
                list.varint(profile_.period == 0 ? 1
                                             : std::max<std::uint64_t>(
                                                   1, (last.self + profile_.period / 2) / profile_.period));
            list.varint(last.self);
            sample.bytes(2, list.text());
            out_.message(field(InProfile::sample), sample);
        }
    }

    // Location, function and frame have one number: a frame is all three.
    void places() {
        std::unordered_map<std::string_view, std::uint64_t> mappings;
        for (std::size_t i = 0; i < profile_.frames.size(); ++i) {
            const ProfileFrame& frame = profile_.frames[i];
            std::uint64_t mapping = 0;
            if (!frame.module.empty()) {
                const auto [at, fresh] = mappings.try_emplace(frame.module, mappings.size() + 1);
                mapping = at->second;
                if (fresh) write_mapping(mapping, frame);
            }
            ProtobufWriter function, line, location;
            function.number(1, i + 1);
            function.number(2, string(frame.name.empty() ? std::string_view("[unknown]") : frame.name));
            function.number(3, string(frame.name));
            function.number(4, string(frame.file));
            out_.message(field(InProfile::function), function);
            line.number(1, i + 1);
            line.number(2, frame.line);
            location.number(1, i + 1);
            location.number(2, mapping);
            location.message(4, line);
            out_.message(field(InProfile::location), location);
        }
    }

    void write_mapping(std::uint64_t id, const ProfileFrame& frame) {
        ProtobufWriter mapping;
        mapping.number(1, id);
        mapping.number(5, string(frame.module));
        mapping.number(6, string(frame.build_id));
        mapping.number(7, 1);  // names are resolved: pprof need not look for the file
        out_.message(field(InProfile::mapping), mapping);
    }

    const Profile& profile_;
    ProtobufWriter out_;
    std::vector<std::string_view> strings_;
    std::unordered_map<std::string_view, std::uint64_t> string_ids_;
};

}  // namespace

std::string pprof(const Profile& profile, const PprofOptions& options) {
    return gzip(PprofWriter(profile).write(options));
}

}  // namespace autotune::render
