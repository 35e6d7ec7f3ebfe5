#include "agent/bpf/openwhisk.hpp"

#include <algorithm>

#include "agent/bpf/http_head.hpp"

namespace autotune {
namespace {

constexpr std::uint64_t kLatestMs = 4'000'000'000'000;  // the year 2096; nanoseconds would overflow later
constexpr std::size_t kLongestName = 256;

// Walks the members of one JSON object that may be cut anywhere.
class Members {
public:
    explicit Members(std::string_view text) : rest_(text) { is_good_ = take('{'); }

    struct Member {
        std::string_view name;
        std::string_view value;  // a text without its quotes; anything else as it is written, perhaps cut
        bool is_text = false;
    };
    // nullopt: there are no more, or none that can be read.
    std::optional<Member> next() {
        take(',');
        Member member;
        if (!is_good_ || !text(member.name) || !take(':')) return std::nullopt;
        skip_blanks();
        member.is_text = !rest_.empty() && rest_.front() == '"';
        is_good_ = member.is_text ? text(member.value) : other(member.value);
        if (!is_good_ && member.is_text) return std::nullopt;
        return member;
    }

private:
    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
    bool take(char c) {
        skip_blanks();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    // Escapes stay as they are.
    bool text(std::string_view& found) {
        if (!take('"')) return false;
        for (std::size_t i = 0; i < rest_.size(); ++i) {
            if (rest_[i] == '\\') {
                ++i;
            } else if (rest_[i] == '"') {
                found = rest_.substr(0, i);
                rest_.remove_prefix(i + 1);
                return true;
            }
        }
        return false;
    }
    // Up to the comma or brace that ends it.
    bool other(std::string_view& found) {
        std::size_t depth = 0, i = 0;
        bool in_text = false;
        for (; i < rest_.size(); ++i) {
            const char c = rest_[i];
            if (in_text && c == '\\') {
                ++i;
            } else if (c == '"') {
                in_text = !in_text;
            } else if (!in_text && (c == '{' || c == '[')) {
                ++depth;
            } else if (!in_text && depth == 0 && (c == ',' || c == '}')) {
                break;
            } else if (!in_text && depth > 0 && (c == '}' || c == ']')) {
                --depth;
            }
        }
        i = std::min(i, rest_.size());
        const bool is_whole = i < rest_.size();
        found = rest_.substr(0, i);
        rest_.remove_prefix(i);
        return is_whole;
    }

    std::string_view rest_;
    bool is_good_ = false;
};

std::string_view plain_name(const Members::Member& member) {
    const bool is_plain = member.is_text && member.value.size() <= kLongestName &&
                          std::ranges::all_of(member.value, [](char c) { return c > ' ' && c <= '~' && c != '\\'; });
    return is_plain ? member.value : std::string_view();
}

}  // namespace

std::optional<ActionRun> parse_action_run(std::string_view body) {
    ActionRun run;
    Members members(body);
    while (const auto member = members.next()) {
        if (member->name == "activation_id") run.activation_id = plain_name(*member);
        if (member->name == "action_version") run.version = plain_name(*member);
        if (member->name == "transaction_id") run.transaction_id = plain_name(*member);
        if (member->name == "action_name") {
            run.action = plain_name(*member);
            if (run.action.starts_with('/')) run.action.remove_prefix(1);
        }
        if (member->name == "deadline") {
            const auto end = member->value.find_last_not_of(" \t\r\n");
            run.deadline_ms = parse_number(member->value.substr(0, end + 1)).value_or(0);
            if (run.deadline_ms > kLatestMs) run.deadline_ms = 0;
        }
    }
    if (run.activation_id.empty() && run.action.empty()) return std::nullopt;
    return run;
}

std::optional<std::string_view> parse_action_init(std::string_view body) {
    Members members(body);
    while (const auto member = members.next()) {
        if (member->name != "value" || !member->value.starts_with('{')) continue;
        std::string_view name;
        bool is_init = false;
        Members inner(member->value);
        while (const auto part = inner.next()) {
            is_init |= part->name == "code" || part->name == "main" || part->name == "binary";
            if (part->name == "name") name = plain_name(*part);
        }
        // Long code that comes first hides the rest.
        is_init |= member->value.find("\"code\"") != std::string_view::npos;
        if (is_init) return name;
    }
    return std::nullopt;
}

}  // namespace autotune
