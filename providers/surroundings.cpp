#include "providers/surroundings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace autotune {

namespace {

using nlohmann::json;

json at(const json& j, const char* name) {
    const auto found = j.is_object() ? j.find(name) : j.end();
    return found == j.end() ? json() : *found;
}

json sorted(const json& list) {
    if (!list.is_array()) return list.is_null() ? json::array() : list;
    std::vector<json> all(list.begin(), list.end());
    std::sort(all.begin(), all.end());
    return all;
}

json storage(const json& size) { return size.is_null() ? json(512) : size; }

}  // namespace

std::string other_surroundings(const Build& a, const Build& b) {
    if (a.rest == b.rest) return "";
    const json one = json::parse(a.rest, nullptr, false), two = json::parse(b.rest, nullptr, false);
    if (!one.is_object() || !two.is_object()) return "configuration";
    const json net = at(one, "VpcConfig"), other_net = at(two, "VpcConfig");
    const json disk = at(one, "EphemeralStorage"), other_disk = at(two, "EphemeralStorage");
    if (storage(at(disk, "Size")) != storage(at(other_disk, "Size"))) return "ephemeral storage";
    if (sorted(at(one, "FileSystemConfigs")) != sorted(at(two, "FileSystemConfigs"))) return "file systems";
    if (sorted(at(net, "SecurityGroupIds")) != sorted(at(other_net, "SecurityGroupIds"))) return "security groups";
    if (sorted(at(net, "SubnetIds")) != sorted(at(other_net, "SubnetIds"))) return "subnets";
    return "";
}

}  // namespace autotune
