#include "cli/regrouping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/fuse_input.hpp"
#include "cli/fuse_report.hpp"
#include "cli/fuse_warnings.hpp"
#include "cli/group_code.hpp"
#include "cli/group_fit.hpp"
#include "host/control/arn.hpp"
#include "host/control/digest.hpp"
#include "host/control/package.hpp"
#include "os/file.hpp"
#include "os/owned_folder.hpp"
#include "os/plain_file.hpp"
#include "providers/alias.hpp"
#include "rules/recluster/entry.hpp"

namespace autotune::cli {

namespace {

namespace fs = std::filesystem;

constexpr CallBounds kMostRecords{.invocations = 50'000, .bytes = std::size_t{96} << 20};
constexpr std::size_t kMostLookedAt = 30;             // functions that the platform is asked about
constexpr std::size_t kLargestArchive = 50u << 20;    // that Lambda takes in a request
constexpr std::size_t kLargestConfig = 1u << 20;      // of a group

Unexpected impossible(std::string why) { return fail(Errc::unsupported, std::move(why)); }

std::string names(const std::vector<std::string>& all, std::size_t from) {
    std::string out;
    for (std::size_t i = from; i < all.size(); ++i) out += (i == from ? "" : ", ") + all[i];
    return out;
}

// What the platform and the records say of functions that call each other.
struct Known {
    std::string alias;
    std::map<std::string, FunctionState> states;
    std::map<std::string, Version> versions;     // of which the code is to be taken
    std::map<std::string, std::string> why_not;  // of those that cannot be with the entry
    rules::GroupConstraints constraints;
};

// Calls inside a group are not counted to the callee: what it is limited to, also to none, would not hold.
Result<std::string> limit_of(Provider& provider, const FunctionRef& function) {
    const auto limit = provider.reserved(function);
    if (!limit && limit.error().code == Errc::permission_denied)
        return "has perhaps reserved concurrency, which may not be read";
    if (!limit && limit.error().code != Errc::unsupported) return limit.forward("looking at " + function.name);
    return limit && *limit ? "has reserved concurrency" : "";
}

// Names become those of folders.
bool is_a_name(const std::string& name) {
    const auto parsed = host::parse_function_name(name, {});
    return parsed && parsed->name == name;
}

void refuse(Known& out, const std::string& name, std::string why) {
    out.constraints.alone.insert(name);
    out.why_not[name] = std::move(why);
}

// `name` is as `state` says; the entry comes first.
Status take_up(const RegroupPlace& place, const FunctionRef& entry, const std::string& name, FunctionState state, Known& out) {
    const auto version = version_to_take(state, out.alias);
    const FunctionConfig& c = state.config;
    const FunctionState& root = name == entry.name ? state : out.states.at(entry.name);
    if (!version)
        refuse(out, name, version.error().message);
    else if (std::string why = misfit(root, state); !why.empty())
        refuse(out, name, std::move(why));
    else if (auto limited = name == entry.name ? Result<std::string>("") : limit_of(place.provider, state.function); !limited)
        return limited.forward();
    else if (!limited->empty())
        refuse(out, name, *std::move(limited));
    else
        out.versions[name] = *version;
    out.constraints.functions[name] = {.runtime = c.runtime,
                                       .architecture = c.architecture,
                                       .role = c.role,
                                       .network = c.network,
                                       .timeout_ms = to_seconds(c.timeout) * 1'000};
    out.states[name] = std::move(state);
    return ok();
}

Status look_at(const RegroupPlace& place, const FunctionRef& entry, const std::string& name, Known& out) {
    if (!is_a_name(name)) return refuse(out, name, "is no function's name"), ok();
    auto state = place.provider.get({entry.provider, name});
    if (!state && state.error().code == Errc::not_found) return refuse(out, name, "is no function of this platform"), ok();
    if (!state && state.error().code == Errc::permission_denied) return refuse(out, name, "may not be read"), ok();
    if (!state) return state.forward("looking at " + name);
    return take_up(place, entry, name, *std::move(state), out);
}

Result<Known> look(const RegroupPlace& place, const FunctionRef& entry, const rules::CallLog& requests) {
    if (!is_a_name(entry.name)) return impossible("it is no function's name");
    auto state = place.provider.get(entry);
    if (!state) return state.forward("looking at " + entry.name);
    Known out;
    const Routing* alias = choose_alias(*state, place.alias);
    if (alias == nullptr) return impossible("there is no alias to split, so nothing could be proved");
    out.alias = alias->alias;
    // No more than it has: its memory is another step's to change.
    out.constraints.most_memory_mb = state->config.memory_mb;
    if (Status s = take_up(place, entry, entry.name, *std::move(state), out); !s) return s.forward();
    if (const auto why = out.why_not.find(entry.name); why != out.why_not.end()) return impossible("it " + why->second);
    for (const std::string& name : requests.functions) {
        if (name == entry.name) continue;
        if (out.states.size() < kMostLookedAt) {
            if (Status s = look_at(place, entry, name, out); !s) return s.forward();
        } else {
            out.constraints.alone.insert(name);
        }
    }
    return out;
}

// Of the functions that it calls: what speaks against each.
std::string reasons(const Known& known) {
    std::string out;
    for (const auto& [name, why] : known.why_not) out += "; " + name + " " + why;
    return out;
}

Result<GroupMember> fetch(const RegroupPlace& place, const FunctionRef& function, const Version& version, const fs::path& folder) {
    const auto package = place.provider.package(function, version);
    if (!package) return package.forward();
    const fs::path code = folder / function.name;
    if (const Status unpacked = host::unpack(package->zip, code); !unpacked) return unpacked.forward("the code of " + function.name);
    return GroupMember{.name = function.name,
                       .handler = package->config.handler,
                       .is_node = package->config.runtime.starts_with("nodejs"),
                       .timeout_s = static_cast<std::uint32_t>(to_seconds(package->config.timeout)),
                       .code = code};
}

Result<Deploy> leave(const RegroupPlace& place, const std::string& zip, std::string words, rules::ReclusterStep::Op op) {
    if (zip.size() > kLargestArchive) return impossible("its package would be larger than 50 MiB");
    Deploy out{.code_hash = place.provider.hash_of(zip), .package = {}, .words = std::move(words), .remedy = std::string(to_string(op))};
    std::error_code trouble;
    const fs::path package = fs::absolute(place.packages, trouble) / (host::file_name_of(out.code_hash) + ".zip");
    if (trouble) return unexpected(errno_error("leaving a package in " + place.packages.string(), trouble.value()));
    out.package = package.string();
    if (const Status kept = replace_file(package, zip); !kept) return kept.forward();
    fs::permissions(package, fs::perms::owner_read | fs::perms::owner_write, trouble);
    if (trouble) return unexpected(errno_error("keeping others from " + out.package, trouble.value()));
    return out;
}

// What is taken is what serves; only where that is the head is it deployed over.
MadeOf made_of(const FunctionState& state) {
    return {.code_hash = state.head.tuned.code_hash, .handler = state.head.tuned.handler};
}

// A folder to unpack in. Code is not for everybody on this machine to read, whatever the umask.
Result<OwnedFolder> workshop_in(const fs::path& packages) {
    std::error_code trouble;
    fs::create_directories(packages, trouble);
    if (!trouble) fs::permissions(packages, fs::perms::owner_all, trouble);
    if (trouble) return unexpected(errno_error("making " + packages.string(), trouble.value()));
    return OwnedFolder::make(packages.string());
}

struct Gathered {
    rules::EntryGroup group;
    std::vector<GroupMember> members;  // as the group names them
};

// Where somebody's code may not be read, the group is looked for without it.
Result<Gathered> gather(const RegroupPlace& place, const FunctionRef& entry, const rules::CallLog& log,
                        rules::CallLog requests, Known& known, const fs::path& workshop) {
    std::map<std::string, GroupMember> fetched;
    for (;; requests = rules::requests_of(log, entry.name)) {
        auto group = rules::group_of(std::move(requests), entry.name, known.constraints);
        if (!group && group.error().code == Errc::unsupported) return impossible(group.error().message + reasons(known));
        if (!group) return group.forward();
        Gathered out{.group = *std::move(group), .members = {}};
        for (const std::string& name : out.group.members) {
            if (!fetched.contains(name)) {
                auto member = fetch(place, {entry.provider, name}, known.versions.at(name), workshop);
                if (!member && member.error().code == Errc::permission_denied && name != entry.name) {
                    known.constraints.alone.insert(name);
                    known.why_not[name] = "may not be read";
                    break;
                }
                if (!member) return member.forward();
                fetched.emplace(name, *std::move(member));
            }
            out.members.push_back(fetched.at(name));
        }
        if (out.members.size() == out.group.members.size()) return out;
    }
}

// Whether `name` waits for another of `members`, by the records.
bool waits_inside(const rules::CallLog& log, const std::string& name, const std::vector<std::string>& members) {
    const auto inside = [&](const rules::RecordedCall& call) {
        const std::string& callee = log.functions[call.callee];
        return call.sync && callee != name && std::find(members.begin(), members.end(), callee) != members.end();
    };
    for (const rules::Trace& trace : log.traces)
        for (const rules::RecordedInvocation& made : trace.invocations)
            if (log.functions[made.function] == name && std::ranges::any_of(made.calls, inside)) return true;
    return false;
}

std::string told(const char* what, const rules::Change& c, const char* unit) {
    return fmt::format("{} {:.4g} → {:.4g}{} ({:+.1f} %; 95 %: {:+.1f} to {:+.1f} %)", what, c.before, c.after, unit, c.pct(), c.low_pct,
                       c.high_pct);
}

}  // namespace

Result<rules::Regrouped> fuse(const RegroupPlace& place, const FunctionRef& function, const rules::CallLog& log) {
    rules::CallLog requests = rules::requests_of(log, function.name);
    // Before the platform is asked for anything.
    if (Status enough = rules::enough_requests(requests); !enough) return enough.forward();
    if (requests.functions.size() < 2) return impossible("by the records it calls no other function");
    auto known = look(place, function, requests);
    if (!known) return known.forward();
    const auto workshop = workshop_in(place.packages);
    if (!workshop) return workshop.forward();
    auto gathered = gather(place, function, log, std::move(requests), *known, workshop->path());
    if (!gathered) return gathered.forward();
    const rules::EntryGroup* const group = &gathered->group;
    std::string warnings;
    for (const GroupMember& member : gathered->members) {
        if (is_there(member.code / kGroupConfig)) return impossible(member.name + " is a group already");
        const FuseHints hints = hints_of(member.name, member.code);
        for (const std::string& warning : hints.warnings) warnings += "; " + warning;
        // What is predicted would not come; one that waits for nobody in the group loses nothing.
        if (member.is_node && !hints.bundled_sdk.empty() && waits_inside(log, member.name, group->members))
            return impossible(hints.bundled_sdk);
    }
    const GroupCode code{.members = std::move(gathered->members), .variables = {}, .qualifiers = {known->alias}};
    const auto zip = pack_group(code, function.name, code.members.front().handler);
    if (!zip) return zip.error().code == Errc::invalid_argument ? impossible(zip.error().message) : zip.forward();
    auto deploy = leave(place, *zip, "fuse with " + names(group->members, 1), rules::ReclusterStep::Op::fuse);
    if (!deploy) return deploy.forward();
    deploy->made_of = made_of(known->states.at(function.name));
    return rules::Regrouped{
        .deploy = *std::move(deploy),
        .because = "it waits for " + names(group->members, 1) + ", and is billed meanwhile" + warnings,
        .predicted = "of " + std::to_string(group->requests) + " requests" +
                     (group->cold > 0 ? " (" + std::to_string(group->cold) + " with cold starts left out): " : ": ") +
                     told("GB-s each", group->gb_s, "") + ", " +
                     told("p50", group->p50, " ms") + ", " + told("p99", group->p99, " ms")};
}

Result<rules::Regrouped> split(const RegroupPlace& place, const FunctionRef& function) {
    const auto state = place.provider.get(function);
    if (!state) return state.forward("looking at " + function.name);
    const Routing* alias = choose_alias(*state, place.alias);
    if (alias == nullptr) return impossible("there is no alias to split, so nothing could be proved");
    const auto version = version_to_take(*state, alias->alias);
    if (!version) return impossible("it " + version.error().message);
    const auto workshop = workshop_in(place.packages);
    if (!workshop) return workshop.forward();
    const auto whole = fetch(place, function, *version, workshop->path());
    if (!whole) return whole.forward();
    const auto text = read_plain_file(whole->code / kGroupConfig, kLargestConfig);
    if (!text) return impossible("it is no group");
    const auto config = nlohmann::json::parse(*text, nullptr, false);
    if (!config.is_object() || config.value("entry", nlohmann::json()) != function.name || !config.value("members", nlohmann::json()).is_object())
        return impossible("what its package says of its group is not understood");
    std::vector<std::string> others;
    for (const auto& [name, member] : config["members"].items()) {
        if (name == function.name) {
            if (!member.is_object() || member.value("handler", nlohmann::json()) != whole->handler)
                return impossible("its handler is " + whole->handler + ", and was another by itself");
            continue;
        }
        const auto alone = place.provider.get({function.provider, name});
        if (!alone && alone.error().code == Errc::not_found) return impossible(name + " has no deployment of its own any more");
        if (!alone) return alone.forward("looking at " + name);
        others.push_back(name);
    }
    // A link of that name could stand for another's code.
    const fs::path own = (whole->code / folder_of_member(function.name)).parent_path();
    if (!is_plain_folder(own.parent_path()) || !is_plain_folder(own))
        return impossible("its package has not the code that it had by itself");
    const auto zip = host::pack(own);
    if (!zip) return zip.forward();
    auto deploy = leave(place, *zip, "split from " + names(others, 0), rules::ReclusterStep::Op::split);
    if (!deploy) return deploy.forward();
    deploy->made_of = made_of(*state);
    return rules::Regrouped{.deploy = *std::move(deploy),
                            .because = "it is one with " + names(others, 0),
                            .predicted = "what it calls runs in deployments of its own again, with their memory"};
}

namespace {
// Why there may be more calls, or more requests, than are known.
std::string hidden_by(const MissingRecords& missing) {
    std::string out;
    const std::string lines = missing_text(
        {.not_told = missing.not_told, .without_calls = missing.without_calls, .calls_not_kept = missing.calls_not_kept});
    for (const char c : lines) out += c == '\n' ? std::string("; ") : std::string(1, c);
    if (missing.not_read > 0) out += "; of the records of all functions the oldest " + std::to_string(missing.not_read) + " were not read";
    return out;
}
}  // namespace

Result<rules::Regrouped> regroup(const RegroupPlace& place, const FunctionRef& function, const rules::ReclusterStep& step) {
    if (step.op == rules::ReclusterStep::Op::split) return split(place, function);
    auto recorded = read_call_records(place.state, step.last, kMostRecords);
    if (!recorded) return recorded.forward();
    auto made = fuse(place, function, recorded->log);
    if (!made) return fail(made.error().code, made.error().message + hidden_by(recorded->missing));
    return made;
}

}  // namespace autotune::cli
