#include "core/black_box.hpp"

#include <algorithm>
#include <string_view>

namespace autotune {
namespace {

bool is_systems(std::string_view path) {
    for (const std::string_view folder : {"/usr/lib", "/lib", "/usr/local/lib", "/usr/bin", "/usr/sbin", "/bin", "["})
        if (path.starts_with(folder)) return true;
    return false;
}

bool is_interpreter(std::string_view module) {
    const auto slash = module.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? module : module.substr(slash + 1);
    return name.starts_with("python") || name.starts_with("libpython");
}

bool is_own(const ProfileFrame& frame) {
    if (frame.kind == FrameKind::python)
        return !frame.file.empty() && !frame.file.starts_with('<') && !is_systems(frame.file) &&
               !frame.file.ends_with("/runtimes/python/bootstrap.py");
    if (frame.kind == FrameKind::kernel || frame.module.empty()) return false;
    return !is_systems(frame.module) && !is_interpreter(frame.module);
}

}  // namespace

const ProfileFrame* culprit_of(const BlackBox& box) {
    const auto thread = std::ranges::find(box.threads, box.culprit_thread, &BoxThread::id);
    if (thread == box.threads.end() || thread->frames.empty()) return nullptr;
    const auto own = std::ranges::find_if(thread->frames, is_own);
    return own != thread->frames.end() ? &*own : &thread->frames.front();
}

std::string describe_place(const ProfileFrame* frame) {
    if (frame == nullptr) return "";
    const std::string name = frame->name.empty() ? "?" : frame->name;
    if (!frame->file.empty() && frame->line != 0) return frame->file + ":" + std::to_string(frame->line) + " in " + name;
    const std::string& where = frame->file.empty() ? frame->module : frame->file;
    return where.empty() ? name : name + " in " + where;
}

}  // namespace autotune
