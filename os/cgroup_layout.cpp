#include "os/cgroup_layout.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

#include "os/file.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

struct Mount {
    std::string root, point, type, options;
};

// Field layout: proc_pid_mountinfo(5). Optional fields end at a lone "-".
bool parse_mount(const std::string& line, Mount& mount) {
    std::istringstream words(line);
    std::string skip, word;
    if (!(words >> skip >> skip >> skip >> mount.root >> mount.point >> skip)) return false;
    while (words >> word && word != "-") {
    }
    return static_cast<bool>(words >> mount.type >> skip >> mount.options);
}

// Space, tab, newline and backslash come as \040 and so on.
std::string unescape(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool octal =
            text[i] == '\\' && i + 3 < text.size() &&
            std::all_of(&text[i + 1], &text[i + 4], [](char c) { return c >= '0' && c <= '7'; });
        if (octal) {
            out +=
                static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool has_word(std::string_view list, std::string_view word, std::string_view separators) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of(separators), list.size());
        if (list.substr(0, end) == word) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

}  // namespace

std::string_view to_string(Controller c) {
    switch (c) {
        case Controller::memory: return "memory";
        case Controller::cpu: return "cpu";
        case Controller::pids: return "pids";
    }
    return "?";
}

Result<CgroupLayout> parse_cgroup_layout(std::string_view mountinfo) {
    CgroupLayout layout;
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        Mount mount;
        if (!parse_mount(line, mount)) continue;
        const fs::path point = unescape(mount.point);
        if (mount.type == "cgroup2" && layout.unified.empty()) layout.unified = point;
        if (mount.type != "cgroup") continue;
        for (const Controller c : kControllers) {
            if (layout[c].version == CgroupVersion::none && has_word(mount.options, to_string(c), ",")) {
                layout[c] = {CgroupVersion::v1, point};
            }
        }
    }
    if (layout.unified.empty()) {
        return fail(Errc::unsupported,
                    "no cgroup2 mount (mount -t cgroup2 none /sys/fs/cgroup/unified makes one)");
    }
    const Result<std::string> available = read_file(layout.unified / "cgroup.controllers");
    for (const Controller c : kControllers) {
        if (layout[c].version == CgroupVersion::none && available &&
            has_word(*available, to_string(c), " \n")) {
            layout[c] = {CgroupVersion::v2, layout.unified};
        }
    }
    return layout;
}

Result<CgroupLayout> detect_cgroup_layout() {
    const Result<std::string> text = read_file("/proc/self/mountinfo");
    if (!text) return text.forward();
    return parse_cgroup_layout(*text);
}

std::string to_string(const CgroupLayout& layout) {
    std::string text;
    for (const Controller c : kControllers) {
        text += std::string(to_string(c));
        switch (layout[c].version) {
            case CgroupVersion::none: text += " missing, "; break;
            case CgroupVersion::v1: text += " v1 at " + layout[c].mount.string() + ", "; break;
            case CgroupVersion::v2: text += " v2, "; break;
        }
    }
    return text + "ids by " + layout.unified.string();
}

}  // namespace autotune
