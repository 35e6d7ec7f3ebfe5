#include "cli/trace_setting.hpp"

#include <charconv>
#include <string>

namespace autotune::cli {

Status write_beginning(recording::RecordingWriter& writer, const TraceSetting& setting) {
    if (Status s = writer.note("target", setting.target); !s) return s;
    if (Status s = writer.note("machine", setting.machine); !s) return s;
    if (Status s = writer.note("wall_offset_ns", std::to_string(setting.wall_offset.count())); !s) return s;
    for (const std::string& backend : setting.backends)
        if (Status s = writer.note("backend", backend); !s) return s;
    return ok();
}

Status write_ending(recording::RecordingWriter& writer, const TraceSetting& setting) {
    for (const std::string& remark : setting.remarks)
        if (Status s = writer.note("remark", remark); !s) return s;
    return writer.note("ending", setting.ending);
}

TraceSetting setting_of(std::span<const recording::Note> notes) {
    TraceSetting setting;
    for (const auto& [key, value] : notes) {
        if (key == "target") setting.target = value;
        if (key == "machine") setting.machine = value;
        if (key == "ending") setting.ending = value;
        if (key == "backend") setting.backends.push_back(value);
        if (key == "remark") setting.remarks.push_back(value);
        if (key == "wall_offset_ns") {
            std::int64_t ns = 0;
            std::from_chars(value.data(), value.data() + value.size(), ns);
            setting.wall_offset = Nanos(ns);
        }
    }
    return setting;
}

}  // namespace autotune::cli
