#include <nlohmann/json.hpp>

#include "exporters/render/black_box.hpp"
#include "exporters/render/syscall_names.hpp"

namespace autotune::render {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMachine =
#if defined(__x86_64__)
    "x86_64";
#else
    "aarch64";
#endif

constexpr std::pair<FrameKind, std::string_view> kKinds[] = {
    {FrameKind::unknown, "unknown"}, {FrameKind::native, "native"}, {FrameKind::kernel, "kernel"},
    {FrameKind::python, "python"},   {FrameKind::node, "node"},     {FrameKind::jvm, "jvm"}};

std::string_view name_of(FrameKind kind) {
    for (const auto& [one, name] : kKinds)
        if (one == kind) return name;
    return "unknown";
}

FrameKind kind_of(const std::string& name) {
    for (const auto& [kind, known] : kKinds)
        if (known == name) return kind;
    return FrameKind::unknown;
}

Json frame_json(const ProfileFrame& f) {
    return {{"name", f.name}, {"module", f.module}, {"build_id", f.build_id},
            {"file", f.file}, {"line", f.line},     {"kind", name_of(f.kind)}};
}

ProfileFrame frame_from(const Json& j) {
    return {.name = j.at("name"),
            .module = j.at("module"),
            .build_id = j.at("build_id"),
            .file = j.at("file"),
            .line = j.at("line"),
            .kind = kind_of(j.at("kind"))};
}

Json thread_json(const BoxThread& t) {
    Json frames = Json::array();
    for (const ProfileFrame& f : t.frames) frames.push_back(frame_json(f));
    const bool in_call = t.in_call >= 0;
    return {{"id", t.id},
            {"name", t.name},
            {"truncated", t.truncated},
            {"in_call", t.in_call},
            {"in_call_name", in_call ? syscall_name(static_cast<std::uint32_t>(t.in_call), kMachine) : ""},
            {"arguments", t.arguments},
            {"frames", std::move(frames)}};
}

BoxThread thread_from(const Json& j) {
    BoxThread t{.id = j.at("id"),
                .name = j.at("name"),
                .frames = {},
                .truncated = j.at("truncated"),
                .in_call = j.at("in_call"),
                .arguments = j.at("arguments")};
    for (const Json& f : j.at("frames")) t.frames.push_back(frame_from(f));
    return t;
}

Json call_json(const BoxCall& c) {
    return {{"before_ns", c.before.count()},
            {"thread", c.thread},
            {"number", c.number},
            {"name", syscall_name(c.number, kMachine)},
            {"arguments", c.arguments},
            {"text", c.text},
            {"result", c.result},
            {"interrupted", c.interrupted}};
}

BoxCall call_from(const Json& j) {
    return {.before = Nanos(j.at("before_ns").get<std::int64_t>()),
            .thread = j.at("thread"),
            .number = j.at("number"),
            .arguments = j.at("arguments"),
            .text = j.at("text"),
            .result = j.at("result"),
            .interrupted = j.at("interrupted")};
}

Json mapping_json(const BoxMapping& m) {
    return {{"what", m.what},         {"count", m.count},         {"size", m.size},
            {"resident", m.resident}, {"anonymous", m.anonymous}, {"swapped", m.swapped}};
}

BoxMapping mapping_from(const Json& j) {
    return {.what = j.at("what"),         .count = j.at("count"),         .size = j.at("size"),
            .resident = j.at("resident"), .anonymous = j.at("anonymous"), .swapped = j.at("swapped")};
}

Json memory_json(const BoxMemory& m) {
    Json mappings = Json::array();
    for (const BoxMapping& one : m.mappings) mappings.push_back(mapping_json(one));
    return {{"group_now", m.group_now},
            {"group_limit", m.group_limit},
            {"anonymous", m.anonymous},
            {"files", m.files},
            {"shared", m.shared},
            {"swapped", m.swapped},
            {"mappings_before_ns", m.mappings_before.count()},
            {"mappings_resident", m.mappings_at},
            {"mappings", std::move(mappings)}};
}

BoxMemory memory_from(const Json& j) {
    BoxMemory m{.group_now = j.at("group_now"),
                .group_limit = j.at("group_limit"),
                .anonymous = j.at("anonymous"),
                .files = j.at("files"),
                .shared = j.at("shared"),
                .swapped = j.at("swapped"),
                .mappings = {},
                .mappings_before = Nanos(j.at("mappings_before_ns").get<std::int64_t>()),
                .mappings_at = j.at("mappings_resident")};
    for (const Json& one : j.at("mappings")) m.mappings.push_back(mapping_from(one));
    return m;
}

BlackBox from(const Json& j) {
    BlackBox box{.invocation = j.at("invocation"),
                 .function = j.at("function"),
                 .version = j.at("version"),
                 .status = j.at("status"),
                 .process = {j.at("pid"), j.at("process_start_ns")},
                 .cgroup = static_cast<CgroupId>(j.at("cgroup").get<std::uint64_t>()),
                 .command = j.at("command"),
                 .at = from_ns(j.at("at_ns")),
                 .wall = WallTime(Nanos(j.at("wall_ns").get<std::int64_t>())),
                 .signal = j.at("signal"),
                 .out_of_memory = j.at("out_of_memory"),
                 .culprit_thread = j.at("culprit_thread")};
    for (const Json& one : j.at("threads")) box.threads.push_back(thread_from(one));
    box.threads_alive = j.at("threads_alive");
    for (const Json& one : j.at("calls")) box.calls.push_back(call_from(one));
    box.calls_given_up = j.value("calls_given_up", false);
    for (const Json& one : j.at("files"))
        box.files.push_back({.fd = one.at("fd"), .what = one.at("what"), .position = one.at("position"), .flags = one.at("flags")});
    box.more_files = j.at("more_files");
    box.memory = memory_from(j.at("memory"));
    box.records_lost = j.at("records_lost");
    return box;
}

}  // namespace

std::string black_box_json(const BlackBox& box) {
    const ProfileFrame* culprit = culprit_of(box);
    Json j = {{"invocation", box.invocation},
              {"function", box.function},
              {"version", box.version},
              {"status", box.status},
              {"at", to_rfc3339(box.wall)},
              {"culprit", describe_place(culprit)},
              {"culprit_file", culprit != nullptr ? culprit->file : ""},
              {"culprit_line", culprit != nullptr ? culprit->line : 0},
              {"culprit_thread", box.culprit_thread},
              {"pid", box.process.pid},
              {"process_start_ns", box.process.start_ns},
              {"cgroup", static_cast<std::uint64_t>(box.cgroup)},
              {"command", box.command},
              {"at_ns", to_ns(box.at)},
              {"wall_ns", box.wall.time_since_epoch().count()},
              {"signal", box.signal},
              {"out_of_memory", box.out_of_memory},
              {"threads_alive", box.threads_alive},
              {"calls_given_up", box.calls_given_up},
              {"more_files", box.more_files},
              {"records_lost", box.records_lost}};
    for (const char* list : {"threads", "calls", "files"}) j[list] = Json::array();
    for (const BoxThread& one : box.threads) j["threads"].push_back(thread_json(one));
    for (const BoxCall& one : box.calls) j["calls"].push_back(call_json(one));
    for (const BoxFile& one : box.files)
        j["files"].push_back({{"fd", one.fd}, {"what", one.what}, {"position", one.position}, {"flags", one.flags}});
    j["memory"] = memory_json(box.memory);
    return j.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<BlackBox> black_box_from(std::string_view json) {
    try {
        return from(Json::parse(json));
    } catch (const nlohmann::json::exception& error) {
        return fail(Errc::corrupt, std::string("not a black box: ") + error.what());
    }
}

}  // namespace autotune::render
