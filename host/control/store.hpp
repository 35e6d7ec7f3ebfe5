// FunctionStore: all functions with their versions and aliases, and every rule about them. In memory
// and pure: saving, unpacking code and running are done by those who call it.
//
// Errors are Lambda exceptions (faults.hpp). A change that fails changes nothing. `expected`: the
// RevisionId that must still be the newest; empty: whatever it is. Nothing here is thread-safe: one
// owner, the event loop's thread. Views and references last until the next change.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "host/control/arn.hpp"
#include "host/control/model.hpp"

namespace autotune::host {

struct NewFunction {
    std::string name;
    std::string description;
    Settings settings;
    Code code;
    std::map<std::string, std::string> tags;
    std::string origin;
};

// What to change; unset stays as it is.
struct SettingsDelta {
    std::optional<std::string> runtime, handler, role, description, tracing;
    std::optional<std::uint32_t> memory_mb, timeout_s, ephemeral_mb;
    std::optional<std::map<std::string, std::string>> environment;
    std::optional<std::vector<AttachedLayer>> layers;
};

struct PublishRequest {
    std::string code_sha256;                 // must be $LATEST's unless empty
    std::string expected;                    // RevisionId
    std::optional<std::string> description;  // of the version; unset: $LATEST's
};

// unset `weights` leaves the split alone, an empty map ends it.
struct AliasChange {
    std::string name;
    std::optional<std::string> version;
    std::optional<std::map<std::string, double>> weights;
    std::optional<std::string> description;
    std::string expected;  // RevisionId
};

// Gives a new unique id each time.
using IdSource = std::function<std::string()>;

class FunctionStore {
public:
    // REQUIRES: `clock` outlives the store.
    FunctionStore(Home home, const Clock& clock, IdSource new_id);

    // As it was saved; replaces what has that name.
    void restore(Function function);
    [[nodiscard]] const std::map<std::string, Function>& all() const { return functions_; }
    [[nodiscard]] const Home& home() const { return home_; }

    Result<Configuration> create(NewFunction wanted);
    [[nodiscard]] Result<std::reference_wrapper<const Function>> find(std::string_view name) const;
    // What a qualifier stands for: $LATEST when empty, a version, or an alias' first version.
    [[nodiscard]] Result<Configuration> resolve(const FunctionName& name) const;
    // As resolve, but an alias with a split chooses by `draw`, uniform in [0, 1).
    [[nodiscard]] Result<Configuration> route(const FunctionName& name, double draw) const;

    Result<Configuration> update_settings(std::string_view name, const SettingsDelta& delta,
                                          std::string_view expected);
    Result<Configuration> update_code(std::string_view name, const Code& code, std::string_view expected);
    // The newest version when neither code nor settings changed since; else a new one. A new version
    // gives $LATEST a new RevisionId, as Lambda does.
    Result<Configuration> publish(std::string_view name, const PublishRequest& request);
    Status remove(std::string_view name);
    // A version that an alias uses stays. One that does not exist is no error.
    Status remove_version(std::string_view name, std::string_view version);

    Result<Alias> create_alias(std::string_view function, const AliasChange& wanted);
    [[nodiscard]] Result<Alias> get_alias(std::string_view function, std::string_view name) const;
    Result<Alias> update_alias(std::string_view function, const AliasChange& change);
    Status remove_alias(std::string_view function, std::string_view name);  // no error when there is none

    Status tag(std::string_view function, const std::map<std::string, std::string>& tags);
    Status untag(std::string_view function, const std::vector<std::string>& keys);
    // REQUIRES: the caller checked the account's limit. Unset: no reservation.
    Status reserve_concurrency(std::string_view function, std::optional<std::uint32_t> limit);
    // Errors: where the qualifier is no published version's; unset: takes it away. REQUIRES: as above.
    Status provision(std::string_view function, const std::string& qualifier, std::optional<std::uint32_t> count);
    Status set_origin(std::string_view function, std::string origin);

    // The packages that some version still needs, its layers' among them, by CodeSha256.
    [[nodiscard]] std::set<std::string> code_in_use() const;
    // What some version has as its layers; one may be there several times.
    [[nodiscard]] std::vector<std::vector<AttachedLayer>> layers_in_use() const;

private:
    // visit(Configuration) of every head and version.
    template <class Visit>
    void each_configuration(Visit visit) const;
    Result<Function*> edit(std::string_view name);
    Result<Function*> edit_head(std::string_view name, std::string_view expected);
    void touch(Configuration& head) const;
    [[nodiscard]] Status apply(const Function& function, const AliasChange& change, Alias& alias) const;
    [[nodiscard]] Unexpected no_function(std::string_view name, std::string_view qualifier = "") const;

    Home home_;
    const Clock& clock_;
    IdSource new_id_;
    std::map<std::string, Function> functions_;
};

// Whether a version with these settings may exist; the message is Lambda's.
[[nodiscard]] Status check_settings(const Settings& settings, std::string_view description);

}  // namespace autotune::host
