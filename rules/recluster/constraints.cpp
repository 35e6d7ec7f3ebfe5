#include "rules/recluster/constraints.hpp"

#include "rules/yaml/reader.hpp"

namespace autotune::rules {

namespace {

void read_functions(const YamlNode& node, Reader& reader, GroupConstraints& out) {
    if (node.kind != YamlNode::Kind::map)
        return reader.error(node.at, "'functions' must be a map (name: …), this is " + describe(node));
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        const YamlNode& one = node.children[i];
        FunctionTraits traits;
        if (!reader.expect_map(one, "function '" + node.keys[i] + "'",
                               {"runtime", "architecture", "role", "network", "memory_mb", "peak_mb", "timeout", "cpu_share"}))
            continue;
        reader.read_text(one, "runtime", traits.runtime);
        reader.read_text(one, "architecture", traits.architecture);
        reader.read_text(one, "role", traits.role);
        reader.read_text(one, "network", traits.network);
        reader.read_number(one, "memory_mb", traits.memory_mb, {1, 1e9});
        reader.read_number(one, "peak_mb", traits.peak_mb, {0, 1e9});
        Nanos timeout{0};
        reader.read_duration(one, "timeout", timeout);
        traits.timeout_ms = static_cast<double>(timeout.count()) / 1e6;
        if (one.find("cpu_share")) {
            double share = 1;
            reader.read_number(one, "cpu_share", share, {0, 1});
            traits.cpu_share = share;
        }
        out.functions[node.keys[i]] = std::move(traits);
    }
}

void read_apart(const YamlNode& node, Reader& reader, GroupConstraints& out) {
    if (!reader.expect_sequence(node, "'do_not_fuse'")) return;
    for (const YamlNode& one : node.children) {
        if (one.kind != YamlNode::Kind::sequence) {
            if (auto name = reader.text_of(one, "do_not_fuse")) out.alone.insert(std::move(*name));
            continue;
        }
        std::vector<std::string> names;
        for (const YamlNode& name : one.children)
            if (auto text = reader.text_of(name, "do_not_fuse")) names.push_back(std::move(*text));
        out.apart.push_back(std::move(names));
    }
}

}  // namespace

LoadedConstraints load_constraints(std::string_view text, Syntax syntax) {
    LoadedConstraints out;
    YamlDocument document = parse_document(text, syntax);
    out.diagnostics = std::move(document.diagnostics);
    if (!document.root) {
        if (out.diagnostics.empty()) out.diagnostics.push_back({Diagnostic::Kind::error, {}, "the file is empty"});
        return out;
    }
    Reader reader(text, out.diagnostics);
    const YamlNode& root = *document.root;
    GroupConstraints read;
    if (reader.expect_map(root, "the file",
                          {"version", "functions", "do_not_fuse", "max_functions", "max_memory_mb", "overhead_ms"})) {
        std::int64_t version = 0;
        reader.read_integer(root, "version", version, {1, 1});
        if (!root.find("version")) reader.error(root.at, "'version: 1' is missing");
        if (const YamlNode* functions = root.find("functions")) read_functions(*functions, reader, read);
        if (const YamlNode* apart = root.find("do_not_fuse")) read_apart(*apart, reader, read);
        reader.read_count(root, "max_functions", read.most_functions, {1, 1e6});
        reader.read_number(root, "max_memory_mb", read.most_memory_mb, {1, 1e9});
        if (root.find("overhead_ms")) {
            double overhead = 0;
            reader.read_number(root, "overhead_ms", overhead, {0, 1e6});
            read.overhead_ms = overhead;
        }
    }
    if (!has_errors(out.diagnostics)) out.constraints = std::move(read);
    return out;
}

}  // namespace autotune::rules
