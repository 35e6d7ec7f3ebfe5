#include "cli/group_code.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "host/control/manifest.hpp"
#include "host/control/package.hpp"
#include "host/sandbox/embedded_group.hpp"
#include "host/sandbox/embedded_group_node.hpp"
#include "host/sandbox/embedded_node_handlers.hpp"

namespace autotune::cli {

namespace {

using File = std::pair<std::string, std::string>;  // name in the archive, bytes

// A module that has the deployment's handler, which is the dispatcher's.
Result<File> module_of(const std::string& handler, bool is_node) {
    const std::size_t dot = handler.rfind('.');
    const auto refuse = [&] {
        return fail(Errc::invalid_argument, "its handler " + handler + " cannot stay the handler of a group");
    };
    if (dot == std::string::npos || dot == 0 || dot + 1 == handler.size()) return refuse();
    std::string path = handler.substr(0, dot);
    if (!is_node) std::ranges::replace(path, '.', '/');
    const std::string top = path.substr(0, path.find('/'));
    if (path.front() == '/' || path.back() == '/' || path.find("..") != path.npos || path.find("//") != path.npos || top == "members" ||
        top == "autotune_group")
        return refuse();
    const std::string name = handler.substr(dot + 1);
    if (!is_node) return File{path + ".py", "from autotune_group import handler as " + name + "\n"};
    std::string up = "./";
    for (const char c : path)
        if (c == '/') up = up == "./" ? "../" : up + "../";
    return File{path + ".js", "exports[" + nlohmann::json(name).dump() + "] = require(\"" + up + "autotune_group.js\").handler;\n"};
}

}  // namespace

std::string folder_of_member(const std::string& name) { return "members/" + name + "/"; }

Result<std::string> pack_group(const GroupCode& code, const std::string& entry, const std::string& handler) {
    const bool is_node = code.members.front().is_node;
    nlohmann::ordered_json config = {{"entry", entry}, {"members", nlohmann::ordered_json::object()}, {"qualifiers", code.qualifiers}};
    // The deployment is to have them too, and keeps its own: what is set there, other than here, is not known.
    config["environment"] = code.variables;
    std::vector<host::FolderAt> folders;
    for (const GroupMember& m : code.members) {
        if (m.is_node != is_node)
            return fail(Errc::invalid_argument,
                        m.name + " does not run on what " + code.members.front().name + " runs on, and is to be with it");
        config["members"][m.name] = {{"handler", m.handler}, {"timeout_s", m.timeout_s}};
        folders.push_back({m.code, folder_of_member(m.name)});
    }
    std::vector<File> files{{is_node ? "autotune_group.js" : "autotune_group.py",
                             std::string(is_node ? host::kNodeGroupDispatcher : host::kGroupDispatcher)},
                            {kGroupConfig, config.dump(1) + "\n"}};
    if (is_node) files.emplace_back("autotune_handlers.mjs", host::kNodeHandlers);
    if (!handler.empty()) {
        auto module = module_of(handler, is_node);
        if (!module) return module.forward();
        files.push_back(*std::move(module));
    }
    return host::pack(files, folders, host::manifest_file);
}

}  // namespace autotune::cli
