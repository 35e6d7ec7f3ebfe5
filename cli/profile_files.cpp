#include "cli/profile_files.hpp"

#include <cstdio>
#include <system_error>
#include <utility>

#include "analyzer/calls/call_graph.hpp"
#include "cli/call_graph_file.hpp"
#include "cli/text_pieces.hpp"
#include "exporters/render/flame_html.hpp"
#include "exporters/render/flame_svg.hpp"
#include "exporters/render/folded.hpp"
#include "exporters/render/folded_reader.hpp"
#include "exporters/render/gzip.hpp"
#include "exporters/render/pprof.hpp"
#include "exporters/render/profile_json.hpp"
#include "exporters/render/profile_trace.hpp"
#include "exporters/render/speedscope.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

std::string drawn(const Profile& profile, ProfileFormat format, const FlameLook& look) {
    switch (format) {
        case ProfileFormat::html:
            return render::flame_html(profile, {.colour = look.colour, .icicle = look.icicle});
        case ProfileFormat::svg:
            return render::flame_svg(profile, {.colour = look.colour, .icicle = look.icicle});
        case ProfileFormat::folded: return render::folded(profile);
        case ProfileFormat::pprof: return render::pprof(profile);
        case ProfileFormat::speedscope: return render::speedscope(profile);
        case ProfileFormat::perfetto: return render::profile_perfetto(profile);
        case ProfileFormat::chrome: return render::profile_chrome(profile);
        case ProfileFormat::json: return render::profile_json(profile);
        case ProfileFormat::call_graph: break;
    }
    return {};
}

}  // namespace

Result<ProfileFormat> format_of(std::string_view name) {
    if (name == "-") return ProfileFormat::folded;
    if (call_graph_format(name)) return ProfileFormat::call_graph;
    constexpr std::pair<std::string_view, ProfileFormat> kEndings[] = {
        {".html", ProfileFormat::html},
        {".svg", ProfileFormat::svg},
        {".folded", ProfileFormat::folded},
        {".folded.gz", ProfileFormat::folded},
        {".pb.gz", ProfileFormat::pprof},
        {".speedscope.json", ProfileFormat::speedscope},
        {".perfetto-trace", ProfileFormat::perfetto},
        {".chrome.json", ProfileFormat::chrome},
        {".json", ProfileFormat::json},
    };
    for (const auto& [ending, format] : kEndings)
        if (name.ends_with(ending)) return format;
    return fail(Errc::invalid_argument, "cannot tell the format of \"" + std::string(name) +
                                            "\" by its end: .html, .svg, .folded, .folded.gz, .pb.gz, "
                                            ".speedscope.json, .perfetto-trace, .chrome.json, .json, and for call graphs " +
                                            std::string(kCallGraphEndings) + " are known");
}

Status write_profile(const Profile& profile, const std::filesystem::path& path, const FlameLook& look) {
    const auto format = format_of(path.string());
    if (!format) return format.forward();
    const auto graph = call_graph_format(path.string());
    std::string text = graph ? rendered(call_graph(profile), *graph) : drawn(profile, *format, look);
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
    const std::string name = shown_path(path);
    render::FoldedReader reader;
    const auto located = [&](const Error& error) {
        std::string where = error.message;  // "line 3: what" as file:line: what
        if (where.starts_with("line ")) where = name + ":" + where.substr(5);
        if (error.code == Errc::corrupt && !where.starts_with(name)) where = name + ": " + where;
        return fail(error.code, where);
    };
    std::error_code unknown;  // of pipes
    if (const auto bytes = std::filesystem::file_size(path, unknown); !unknown) reader.expect(bytes);
    if (Status s = read_text_in_pieces(path, [&](std::string_view piece) { return reader.feed(piece); }); !s)
        return located(s.error());
    auto profile = reader.finish(std::filesystem::path(name).filename().string(), unit);
    if (!profile) return located(profile.error());
    return profile;
}

}  // namespace autotune::cli
