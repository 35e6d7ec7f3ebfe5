#include "rules/java/functions.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "rules/java/lexer.hpp"
#include "rules/suggest.hpp"

namespace autotune::rules {

namespace {

constexpr std::array<std::string_view, 3> kAnnotations{"Lambda", "CloudFunction", "cloudfunction"};
constexpr std::array<std::string_view, 6> kAttributes{"memory", "timeout", "duration", "name", "region", "endpoint"};
constexpr std::array<std::string_view, 12> kModifiers{"public",    "protected", "private",      "static",  "final",   "abstract",
                                                      "synchronized", "native", "strictfp", "default", "transient", "volatile"};
constexpr std::uint32_t kLeastMb = 128, kMostMb = 10240, kMostSeconds = 900;  // Lambda's

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& all) {
    return std::find(all.begin(), all.end(), word) != all.end();
}

class Reader {
public:
    explicit Reader(const std::vector<JavaToken>& tokens) : tokens_(tokens) {}

    JavaFile run() {
        while (at_ < tokens_.size()) step();
        std::erase_if(out_.functions, [&](JavaFunction& f) { return !can_be_called(f); });
        return std::move(out_);
    }

private:
    using Kind = JavaToken::Kind;
    struct Refusal {
        Position at;
        std::string what;
    };

    // What stands n tokens further; "" behind the end.
    [[nodiscard]] std::string_view is(std::size_t n = 0) const { return at_ + n < tokens_.size() ? tokens_[at_ + n].is : std::string_view(); }
    [[nodiscard]] bool is_word(std::size_t n = 0) const { return at_ + n < tokens_.size() && tokens_[at_ + n].kind == Kind::word; }
    [[nodiscard]] Position here() const { return tokens_.empty() ? Position{1, 1} : tokens_[std::min(at_, tokens_.size() - 1)].at; }
    void refuse(Position at, std::string what) { out_.diagnostics.push_back({Diagnostic::Kind::error, at, std::move(what), {}}); }

    void step() {
        const std::string_view now = is();
        const bool after_point = at_ > 0 && tokens_[at_ - 1].is == ".";
        if (now == "package" && owners_.empty() && out_.package.empty()) return ++at_, void(out_.package = until_semicolon());
        if (now == "import" && owners_.empty()) return ++at_, out_.imports.push_back(until_semicolon());
        if ((now == "class" || now == "interface" || now == "enum" || now == "record") && is_word(1) && !after_point) {
            class_ = std::string(is(1)), at_ += 2;
            if (const auto around = owner()) private_[*around + (around->empty() ? "" : ".") + class_] = before_.is_private;
        } else if (now == "{") {
            owners_.push_back(std::exchange(class_, std::string())), ++at_, before_ = {};
        } else if (now == "}") {
            if (!owners_.empty()) owners_.pop_back();
            ++at_, before_ = {};
        } else if (now == ";" || is_one_of(now, kModifiers)) {
            now == ";" ? void(before_ = {}) : before_.add(now), ++at_;
        } else if (now == "@" && is_word(1) && is(1) != "interface") {
            annotation();
        } else {
            ++at_;
        }
    }
    // The classes around what stands here; nullopt: within a method or block.
    [[nodiscard]] std::optional<std::string> owner() const {
        std::string out;
        for (const std::string& one : owners_) {
            if (one.empty()) return std::nullopt;
            out += (out.empty() ? "" : ".") + one;
        }
        return out;
    }
    std::string until_semicolon() {
        std::string out;
        for (bool word = false; at_ < tokens_.size() && is() != ";"; ++at_) {
            if (word && is_word()) out += ' ';
            word = is_word(), out += is();
        }
        ++at_;
        return out;
    }
    // "a.b.Lambda" → its last word.
    std::string_view qualified() {
        std::string_view last = is();
        for (++at_; is() == "." && is_word(1); at_ += 2) last = is(1);
        return last;
    }
    void skip_brackets(std::string_view open, std::string_view close) {
        std::size_t depth = 0;
        do {
            if (is() == open) ++depth;
            if (is() == close) --depth;
            ++at_;
        } while (depth > 0 && at_ < tokens_.size());
    }
    void annotation() {
        JavaFunction made{.owner = {}, .method = {}, .type = {}, .parameters = {}, .memory_mb = {}, .timeout_s = {}, .name = {}, .at = here()};
        ++at_;
        if (!is_one_of(qualified(), kAnnotations)) {
            if (is() == "(") skip_brackets("(", ")");
            return;
        }
        const std::size_t mistakes = out_.diagnostics.size();
        if (is() == "(") attributes(made);
        method(made);
        if (out_.diagnostics.size() == mistakes) out_.functions.push_back(std::move(made));
    }

    void attributes(JavaFunction& made) {
        ++at_;
        while (at_ < tokens_.size() && is() != ")") {
            const Position at = here();
            const std::string_view name = is();
            if (!is_word() || is(1) != "=") {
                refuse(at, "an attribute is NAME = VALUE, such as memory = 512");
                return rest_of_attributes();
            }
            at_ += 2;
            const JavaToken value = at_ < tokens_.size() ? tokens_[at_] : JavaToken{};
            ++at_;
            const bool alone = is() == "," || is() == ")";
            attribute(made, name, at, value, alone);
            if (!alone) return rest_of_attributes();
            if (is() == ",") ++at_;
        }
        ++at_;
    }
    void rest_of_attributes() {
        for (int depth = 1; at_ < tokens_.size() && depth > 0; ++at_) depth += is() == "(" ? 1 : is() == ")" ? -1 : 0;
    }
    void attribute(JavaFunction& made, std::string_view name, Position at, const JavaToken& value, bool alone) {
        if (!is_one_of(name, kAttributes)) {
            const std::string hint = did_you_mean(name, kAttributes);
            return refuse(at, "there is no attribute \"" + std::string(name) + "\"" + hint);
        }
        if (!alone) return refuse(value.at, std::string(name) + " must be one value that stands there, not an expression");
        if (name == "memory") made.memory_mb = number(name, value, kLeastMb, kMostMb);
        if (name == "timeout" || name == "duration") made.timeout_s = number(name, value, 1, kMostSeconds);
        if (name != "name") return;
        std::string_view text = value.is;
        const bool plain = value.kind == Kind::text && text.size() > 2 && text.size() <= 66 && text[0] == '"' &&
                           std::all_of(text.begin() + 1, text.end() - 1, [](char c) {
                               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
                           });
        if (!plain) return refuse(value.at, "name must be a string of at most 64 letters, digits, - and _");
        made.name = text.substr(1, text.size() - 2);
    }
    std::optional<std::uint32_t> number(std::string_view name, const JavaToken& value, std::uint32_t least, std::uint32_t most) {
        std::string digits;
        for (const char c : value.is)
            if (c != '_') digits += c;
        if (digits.ends_with('L') || digits.ends_with('l')) digits.pop_back();
        std::uint32_t out = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        const bool whole = value.kind == Kind::number && error == std::errc() && end == digits.data() + digits.size() &&
                           (digits.size() == 1 || digits[0] != '0');
        if (whole && out >= least && out <= most) return out;
        refuse(value.at, std::string(name) + " must be a whole number of " + std::to_string(least) + " to " + std::to_string(most) +
                             (name == "memory" ? " (MB)" : " (seconds)") + " that stands there, not " + std::string(value.is.substr(0, 40)));
        return std::nullopt;
    }

    void method(JavaFunction& made) {
        Modifiers is_it = before_;  // they may stand on either side of the annotation
        while (true) {  // other annotations, modifiers
            if (is() == "@" && is_word(1) && is(1) != "interface") {
                ++at_, (void)qualified();
                if (is() == "(") skip_brackets("(", ")");
            } else if (is_one_of(is(), kModifiers)) {
                is_it.add(is()), ++at_;
            } else {
                break;
            }
        }
        const auto around = owner();
        if (!around) return refuse(made.at, "the annotated method is within another method or block");
        made.owner = *around;
        if (is() == "<") return refuse(made.at, "the annotated method has type parameters: which types it would be sent is not known");
        made.type = type();
        if (made.type.empty() || !is_word() || is(1) != "(" || made.owner.empty())
            return refuse(made.at, "the annotation stands before no method");
        made.method = std::string(is()), at_ += 2;
        if (!is_it.is_static) return refuse(made.at, made.method + " is not static: a function has no object to be called on");
        if (is_it.is_private) return refuse(made.at, made.method + " is private" + kOutside);
        if (!parameters(made)) return;
        if (is() == "throws") made.throws = true;
    }
    // A type with its arguments and dimensions; "" where there is none.
    std::string type() {
        if (!is_word()) return {};
        std::string out(is());
        for (++at_; is() == "." && is_word(1); at_ += 2) out += "." + std::string(is(1));
        if (is() == "<") {
            std::size_t depth = 0;
            do {
                if (is() == "<") ++depth;
                if (is() == ">") --depth;
                if (is() == "(" || is() == ";" || is() == "{") return {};
                const bool words = is_word() && at_ > 0 && tokens_[at_ - 1].kind == Kind::word;
                out += (words ? " " : "") + std::string(is()) + (is() == "," ? " " : is() == "?" && is_word(1) ? " " : "");
                ++at_;
            } while (depth > 0 && at_ < tokens_.size());
        }
        for (; is() == "[" && is(1) == "]"; at_ += 2) out += "[]";
        return out;
    }
    bool parameters(JavaFunction& made) {
        while (at_ < tokens_.size() && is() != ")") {
            while (is() == "final" || is() == "@") {
                if (is() == "final") {
                    ++at_;
                } else {
                    ++at_, (void)qualified();
                    if (is() == "(") skip_brackets("(", ")");
                }
            }
            const Position at = here();
            std::string kind = type();
            if (is() == "." && is(1) == "." && is(2) == ".") kind += "[]", at_ += 3;
            if (kind.empty() || !is_word()) return refuse(at, "this is no parameter: a type and a name are needed"), false;
            std::string name(is());
            for (++at_; is() == "[" && is(1) == "]"; at_ += 2) kind += "[]";
            made.parameters.emplace_back(std::move(kind), std::move(name));
            if (is() == ",") ++at_;
            else if (is() != ")") return refuse(here(), "this is no parameter: , or ) is needed"), false;
        }
        ++at_;
        return true;
    }

    // With all classes known, those behind the method too: types as they are named outside of the class. False: it was told why not.
    bool can_be_called(JavaFunction& f) {
        if (const std::string hidden = hidden_part(f.owner); !hidden.empty())
            return refuse(f.at, f.method + " is within " + hidden + ", which is private" + kOutside), false;
        std::string hidden;
        f.type = from_outside(f.type, f.owner, hidden);
        for (auto& [type, name] : f.parameters) type = from_outside(type, f.owner, hidden);
        if (!hidden.empty()) refuse(f.at, f.method + " needs " + hidden + ", which is private" + kOutside);
        return hidden.empty();
    }
    // Of "Shop.Prices.Item" the first class that is private; "": none.
    [[nodiscard]] std::string hidden_part(std::string_view path) const {
        for (std::size_t end = path.find('.'); ; end = path.find('.', end + 1)) {
            const auto found = private_.find(path.substr(0, end));
            if (found != private_.end() && found->second) return found->first;
            if (end == std::string_view::npos) return {};
        }
    }
    // Each name in the type, by the innermost class around the method that has one of that name.
    std::string from_outside(const std::string& type, const std::string& owner, std::string& hidden) const {
        std::string out;
        for (std::size_t at = 0; at < type.size();) {
            const std::size_t end = std::min(type.find_first_of("<>[], ?&@", at), type.size());
            std::string name = type.substr(at, end - at);
            const std::string first = name.substr(0, name.find('.'));
            for (std::string around = owner; !first.empty(); around.resize(std::max<std::size_t>(around.rfind('.') + 1, 1) - 1)) {
                if (private_.contains(around + (around.empty() ? "" : ".") + first)) {
                    name.insert(0, around + (around.empty() ? "" : "."));
                    break;
                }
                if (around.empty()) break;
            }
            if (hidden.empty()) hidden = hidden_part(name);
            out += name;
            if (end < type.size()) out += type[end];
            at = end + 1;
        }
        return out;
    }

    struct Modifiers {
        bool is_static = false, is_private = false;
        void add(std::string_view word) { is_static |= word == "static", is_private |= word == "private"; }
    };
    static constexpr const char* kOutside = ": the function's handler is a class of its own, and could not call it";

    const std::vector<JavaToken>& tokens_;
    std::size_t at_ = 0;
    Modifiers before_;                                // what stands here
    std::map<std::string, bool, std::less<>> private_;  // classes, with those around them, and whether they are
    std::vector<std::string> owners_;  // a class's name, or "" of any other block
    std::string class_;                // whose { is awaited
    JavaFile out_;
};

}  // namespace

JavaFile read_java(std::string_view source) {
    const auto tokens = java_tokens(source);
    if (tokens) {
        JavaFile file = Reader(*tokens).run();
        keep_on_one_line(file.diagnostics);
        return file;
    }
    JavaFile broken;
    int line = 1, column = 1;
    const std::string& message = tokens.error().message;  // "line:column: what"
    const auto colon = message.find(':'), second = message.find(':', colon + 1);
    std::from_chars(message.data(), message.data() + colon, line);
    std::from_chars(message.data() + colon + 1, message.data() + second, column);
    broken.diagnostics.push_back({Diagnostic::Kind::error, {line, column}, message.substr(second + 2), {}});
    return broken;
}

}  // namespace autotune::rules
