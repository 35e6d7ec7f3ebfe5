// Takes out of a text what looks like a secret, before people are told. A net below others: no part of autotune puts one
// there, but errors of platforms and people's own templates may.
#pragma once

#include <string>
#include <string_view>

namespace autotune::exporters {

// `text` with "…" for: AWS access keys and the credentials and signatures of signed URLs, passwords in URLs, bearer tokens,
// tokens of Slack and GitHub and paths of Slack's webhooks, private keys, and values after password=, secret=, token= and
// their like. RE2: takes time in proportion to the text.
[[nodiscard]] std::string redacted(std::string_view text);

}  // namespace autotune::exporters
