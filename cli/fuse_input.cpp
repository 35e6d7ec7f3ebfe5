#include "cli/fuse_input.hpp"

#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/state_folder.hpp"
#include "cli/text_pieces.hpp"
#include "host/control/arn.hpp"
#include "host/control/manifest.hpp"
#include "knowledge/sqlite_store.hpp"
#include "os/file.hpp"
#include "rules/recluster/replay.hpp"

namespace autotune::cli {

Result<rules::CallLog> read_call_log(const std::string& path) {
    rules::ReplayReader reader;
    const Status read = read_text_in_pieces(path, [&](std::string_view piece) { return reader.feed(piece); });
    if (!read) return read.forward();
    return reader.finish();
}

Result<RecordedCalls> read_call_records(const std::filesystem::path& state, Nanos last, CallBounds most) {
    auto store = SqliteStore::open_read_only(store_file(state));
    if (!store) return store.forward();
    CallRecords records(most);
    std::optional<WallTime> oldest, refused;
    const Status read = (*store)->visit_newest(WallTime(), [&](const Invocation& i) {
        if (!oldest) oldest = last.count() > 0 ? i.wall_start - last : WallTime::min();
        if (i.wall_start < *oldest) return false;
        if (records.add(i)) return true;
        refused = i.wall_start;
        return false;
    });
    if (!read) return read.forward();
    RecordedCalls out = std::move(records).finish();
    if (refused) {
        const auto older = (*store)->count_invocations(*oldest, *refused);
        if (!older) return older.forward();
        out.missing.not_read = *older;
    }
    return out;
}

Status write_call_log(const std::filesystem::path& path, const rules::CallLog& log) {
    std::string text;
    for (std::size_t trace = 0; trace < log.traces.size(); ++trace) text += replay_lines(log, trace);
    return replace_file(path, text);
}

Status add_manifest_traits(const rules::CallLog& log, const std::filesystem::path& functions, rules::GroupConstraints& constraints) {
    for (const std::string& name : log.functions) {
        // Names come from a log that others wrote.
        if (const auto parsed = host::parse_function_name(name, {}); !parsed || parsed->name != name) continue;
        const std::filesystem::path file = functions / name / host::manifest_file;
        std::error_code unknown;
        if (!std::filesystem::exists(file, unknown)) continue;  // said when it is to be packed
        const auto text = read_file(file);
        if (!text) return text.forward(file.string());
        const auto manifest = host::parse_manifest(*text, file, host::Runtimes::any);
        if (!manifest) return manifest.forward();
        const auto& settings = manifest->function.settings;
        rules::FunctionTraits& traits = constraints.functions[name];
        if (traits.runtime.empty()) traits.runtime = settings.runtime;
        if (traits.role.empty()) traits.role = settings.role;
        if (traits.timeout_ms == 0) traits.timeout_ms = 1'000.0 * settings.timeout_s;
    }
    return ok();
}

}  // namespace autotune::cli
