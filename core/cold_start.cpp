#include "core/cold_start.hpp"

#include <algorithm>

#include "core/profile_builder.hpp"

namespace autotune {
namespace {

void add(ProfileBuilder& builder, std::uint32_t parent, const StartNode& node) {
    const bool python = node.kind != StartKind::phase;
    const std::uint32_t frame = builder.frame(ProfileFrame{.name = node.name,
                                                           .module = node.file,
                                                           .file = python ? node.file : "",
                                                           .kind = python ? FrameKind::python : FrameKind::native});
    const std::uint32_t here = builder.child(parent, frame);
    builder.add(here, static_cast<std::uint64_t>(std::max<std::int64_t>(node.self.time.count(), 0)));
    for (const StartNode& below : node.below) add(builder, here, below);
}

}  // namespace

StartCost& StartCost::operator+=(const StartCost& o) {
    time += o.time, cpu += o.cpu, files += o.files, read_bytes += o.read_bytes, mapped_bytes += o.mapped_bytes;
    minor_faults += o.minor_faults, major_faults += o.major_faults, memory += o.memory;
    return *this;
}

StartCost& StartCost::operator-=(const StartCost& o) {
    time -= o.time, cpu -= o.cpu, files -= o.files, read_bytes -= o.read_bytes, mapped_bytes -= o.mapped_bytes;
    minor_faults -= o.minor_faults, major_faults -= o.major_faults, memory -= o.memory;
    return *this;
}

Profile profile_of(const std::vector<ColdStart>& starts) {
    ProfileBuilder builder;
    for (const ColdStart& start : starts) {
        const std::uint32_t root =
            builder.child(0, builder.frame(ProfileFrame{.name = start.program, .kind = FrameKind::native}));
        for (const StartNode& phase : start.phases) add(builder, root, phase);
    }
    Profile profile = std::move(builder).build("cold starts", ProfileUnit::nanoseconds);
    profile.measure = "wall";
    return profile;
}

}  // namespace autotune
