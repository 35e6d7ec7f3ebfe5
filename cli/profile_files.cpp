#include "cli/profile_files.hpp"

#include <cstdio>
#include <utility>

#include "exporters/render/flame_html.hpp"
#include "exporters/render/flame_svg.hpp"
#include "exporters/render/folded.hpp"
#include "exporters/render/gzip.hpp"
#include "exporters/render/pprof.hpp"
#include "exporters/render/speedscope.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 30;  // of a file of stacks, unpacked

std::string rendered(const Profile& profile, ProfileFormat format) {
    switch (format) {
        case ProfileFormat::html: return render::flame_html(profile);
        case ProfileFormat::svg: return render::flame_svg(profile);
        case ProfileFormat::folded: return render::folded(profile);
        case ProfileFormat::pprof: return render::pprof(profile);
        case ProfileFormat::speedscope: return render::speedscope(profile);
    }
    return {};
}

}  // namespace

Result<ProfileFormat> format_of(std::string_view name) {
    if (name == "-") return ProfileFormat::folded;
    constexpr std::pair<std::string_view, ProfileFormat> kEndings[] = {
        {".html", ProfileFormat::html},     {".svg", ProfileFormat::svg},
        {".folded", ProfileFormat::folded}, {".folded.gz", ProfileFormat::folded},
        {".pb.gz", ProfileFormat::pprof},   {".speedscope.json", ProfileFormat::speedscope},
    };
    for (const auto& [ending, format] : kEndings)
        if (name.ends_with(ending)) return format;
    return fail(Errc::invalid_argument,
                "cannot tell the format of \"" + std::string(name) +
                    "\" by its end: .html, .svg, .folded, .folded.gz, .pb.gz and .speedscope.json are known");
}

Status write_profile(const Profile& profile, const std::filesystem::path& path) {
    const auto format = format_of(path.string());
    if (!format) return format.forward();
    std::string text = rendered(profile, *format);
    if (path == "-") {
        const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
        if (!whole || std::fflush(stdout) != 0)
            return fail(Errc::unavailable, "writing to standard output failed");
        return ok();
    }
    if (path.string().ends_with(".folded.gz")) text = render::gzip(text);
    return replace_file(path, text);
}

Result<Profile> read_profile(const std::string& path, ProfileUnit unit) {
    const std::string name = path == "-" ? "standard input" : path;
    auto text = read_file(path == "-" ? "/dev/stdin" : path);
    if (!text) return text.forward();
    if (render::is_gzip(*text)) {
        text = render::gunzip(*text, kMostBytes);
        if (!text) return text.forward(name);
    }
    auto profile = render::read_folded(*text, std::filesystem::path(name).filename().string(), unit);
    if (!profile) {
        std::string where = profile.error().message;  // "line 3: what" as file:line: what
        if (where.starts_with("line ")) where = where.substr(5);
        return fail(profile.error().code, name + ":" + where);
    }
    return profile;
}

}  // namespace autotune::cli
