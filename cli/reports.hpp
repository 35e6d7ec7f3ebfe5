// Reports: what people open: a flame graph a function (SVG and folded), one of what its slowest invocations
// do that usual ones do not, who calls whom.
//
// Files below one folder, replaced atomically, so that a web server or a person may read them at any
// time. Written at most every `interval`, less often when that takes long, and only for functions with new samples.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "analyzer/analyzer.hpp"
#include "analyzer/owner/owner_topology.hpp"
#include "core/result.hpp"
#include "core/tables.hpp"
#include "core/time.hpp"

namespace autotune::cli {

struct ReportOptions {
    std::filesystem::path folder;  // flames/NAME.svg, .slow.svg and .folded, topology.{json,dot,mmd,html}, topology_edges.json
    Nanos interval = std::chrono::seconds(2);
    Nanos window = std::chrono::hours(1);
    Nanos page_interval = std::chrono::minutes(5);  // of topology.html and topology_edges.json, unless somebody asks
};

class Reports {
public:
    explicit Reports(ReportOptions options) : options_(std::move(options)) {}

    // Writes what is due. Errors: the first file that could not be written.
    Status update(const Analyzer& analyzer, const Tables& tables, Timestamp now);
    // Writes everything now.
    Status flush(const Analyzer& analyzer, const Tables& tables, Timestamp now);

    // The page of who calls whom, and its edges, when it is due or, `asked` for, when it is older than `interval`.
    Status update_page(OwnerTopology& owners, Timestamp now, bool asked);

    // The page and its edges now, so that they end with what the store ends with.
    Status flush_page(OwnerTopology& owners, Timestamp now);

private:
    Status write_flames(const Analyzer& analyzer, const Tables& tables, Timestamp now);
    Status write_topology(const Analyzer& analyzer, Timestamp now);
    Status write(const std::filesystem::path& name, const std::string& text) const;

    ReportOptions options_;
    Timestamp written_{};
    Nanos took_{0};
    std::optional<Timestamp> page_written_;
    bool page_wanted_ = false;
    std::map<std::string, std::uint64_t> drawn_;  // total weight drawn last, by function
};

}  // namespace autotune::cli
