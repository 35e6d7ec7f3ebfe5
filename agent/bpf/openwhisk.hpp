// What OpenWhisk says to an action's container, from the bodies of its requests. Pure and total.
//
// The container serves POST /init with {"value": {"name", "main", "code", "binary", …}}, once, then POST /run with
// {"value": …, "activation_id", "action_name", "namespace", "deadline" (ms since the epoch, a number or a text),
// "transaction_id", …}; any status but 200 is a failure. Apache OpenWhisk, docs/actions-new.md, "Action Interface".
//
// Bodies may be cut: what is there counts. Texts with escapes are none that we look for, and are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace autotune {

// Views point into the body; empty where it does not say.
struct ActionRun {
    std::string_view activation_id;
    std::string_view action;  // fully qualified, without the slash before it
    std::string_view version;
    std::string_view transaction_id;
    std::uint64_t deadline_ms = 0;  // since the epoch; 0 = not said
};
// nullopt unless it says who is to be activated, or as which activation.
[[nodiscard]] std::optional<ActionRun> parse_action_run(std::string_view body);

// The action's name, "" when it has none; nullopt when it is no initialisation.
[[nodiscard]] std::optional<std::string_view> parse_action_init(std::string_view body);

}  // namespace autotune
