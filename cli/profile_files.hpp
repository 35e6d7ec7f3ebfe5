// Profiles from and to files, by what the file is called.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/profile.hpp"
#include "core/result.hpp"
#include "exporters/render/flame_colour.hpp"

namespace autotune::cli {

enum class ProfileFormat { html, svg, folded, pprof, speedscope, perfetto, chrome, json, call_graph };

// By the name's end: .html, .svg, .folded (also .folded.gz), .pb.gz, .speedscope.json, .perfetto-trace,
// .chrome.json, .json; call graphs: .dot, .mmd, .graph.html, .graph.json. Errors: invalid_argument, with what there is.
[[nodiscard]] Result<ProfileFormat> format_of(std::string_view file_name);

// How flame graphs look at first.
struct FlameLook {
    render::FlameColour colour = render::FlameColour::package;
    bool icicle = false;
};

// The whole file replaces an older one at once. "-" is standard output, as folded stacks.
[[nodiscard]] Status write_profile(const Profile& profile, const std::filesystem::path& path,
                                   const FlameLook& look = {});

// Folded stacks, plain or gzip; "-" is standard input. Errors: not_found, permission_denied, corrupt with
// "file:line: what".
[[nodiscard]] Result<Profile> read_profile(const std::string& path, ProfileUnit unit);

}  // namespace autotune::cli
