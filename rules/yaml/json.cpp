#include "rules/yaml/json.hpp"

#include <optional>
#include <unordered_map>
#include <utility>

#include "rules/cel/string_literal.hpp"
#include "rules/cel/utf8.hpp"

namespace autotune::rules {

namespace {

constexpr int kDeepest = 200;

class JsonReader {
public:
    JsonReader(std::string_view text, std::size_t most) : text_(text), most_(most) {}

    YamlDocument read() {
        YamlDocument out;
        YamlNode root;
        if (!cel::valid_utf8(text_)) {
            refuse_at({}, "the file is not UTF-8");
        } else if (value(root, 0)) {
            blank();
            if (at_ < text_.size()) refuse("text after the end of the document");
        }
        if (error_)
            out.diagnostics.push_back(std::move(*error_));
        else
            out.root = std::move(root);
        return out;
    }

private:
    [[nodiscard]] Position here() const { return {line_, static_cast<int>(at_ - line_begin_) + 1}; }
    bool refuse_at(Position at, std::string message) {
        if (!error_) error_ = Diagnostic{Diagnostic::Kind::error, at, std::move(message)};
        return false;
    }
    bool refuse(std::string message) { return refuse_at(here(), std::move(message)); }
    // What stands here, for messages.
    [[nodiscard]] std::string found() const {
        if (at_ >= text_.size()) return "the file ends here";
        const auto byte = static_cast<unsigned char>(text_[at_]);
        return byte < 0x20 || byte >= 0x7f ? "this is something else"
                                           : "this is '" + std::string(1, text_[at_]) + "'";
    }

    void blank() {
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\n') {
                ++line_;
                line_begin_ = at_ + 1;
            } else if (c != ' ' && c != '\t' && c != '\r') {
                return;
            }
        }
    }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool value(YamlNode& node, int depth) {
        blank();
        node.at = here();
        if (++nodes_ > most_) return refuse("the file has more than " + std::to_string(most_) + " values");
        if (depth > kDeepest) return refuse("nested more than " + std::to_string(kDeepest) + " deep");
        if (at_ >= text_.size()) return refuse("a value is missing; the file ends here");
        switch (text_[at_]) {
            case '{': return object(node, depth);
            case '[': return array(node, depth);
            case '"':
                node.kind = YamlNode::Kind::scalar;
                node.style = YamlNode::Style::quoted;
                return string(node.text);
            default: return word(node);
        }
    }

    bool object(YamlNode& node, int depth) {
        node.kind = YamlNode::Kind::map;
        ++at_;
        blank();
        if (take('}')) return true;
        std::unordered_map<std::string, int> lines;
        while (true) {
            blank();
            const Position at = here();
            std::string key;
            if (at_ >= text_.size() || text_[at_] != '"')
                return refuse("a key in quotes is expected; " + found());
            if (!string(key)) return false;
            if (const auto [same, is_new] = lines.emplace(key, at.line); !is_new)
                return refuse_at(
                    at, "duplicate key '" + key + "', first given on line " + std::to_string(same->second));
            blank();
            if (!take(':')) return refuse("':' is expected after the key '" + key + "'; " + found());
            node.keys.push_back(std::move(key));
            node.key_at.push_back(at);
            if (!value(node.children.emplace_back(), depth + 1)) return false;
            blank();
            if (take('}')) return true;
            if (!take(',')) return refuse("',' or '}' is expected; " + found());
        }
    }

    bool array(YamlNode& node, int depth) {
        node.kind = YamlNode::Kind::sequence;
        ++at_;
        blank();
        if (take(']')) return true;
        while (true) {
            if (!value(node.children.emplace_back(), depth + 1)) return false;
            blank();
            if (take(']')) return true;
            if (!take(',')) return refuse("',' or ']' is expected; " + found());
        }
    }

    // Numbers, true, false and null.
    bool word(YamlNode& node) {
        std::size_t end = at_;
        const auto of_word = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
                   c == '-' || c == '.';
        };
        while (end < text_.size() && of_word(text_[end])) ++end;
        const std::string_view word = text_.substr(at_, end - at_);
        if (word.empty()) return refuse("a value is expected; " + found());
        if (word != "true" && word != "false" && word != "null" && !number(word))
            return refuse("'" + std::string(word.substr(0, 40)) +
                          "' is no value of JSON; text stands in quotes");
        if (word != "null") {
            node.kind = YamlNode::Kind::scalar;
            node.text = word;
        }
        at_ = end;
        return true;
    }

    static bool number(std::string_view t) {
        const auto digits = [&] {
            std::size_t n = 0;
            while (n < t.size() && t[n] >= '0' && t[n] <= '9') ++n;
            t.remove_prefix(n);
            return n;
        };
        if (t.starts_with('-')) t.remove_prefix(1);
        const bool zero = t.starts_with('0');
        const std::size_t whole = digits();
        if (whole == 0 || (zero && whole > 1)) return false;
        if (t.starts_with('.')) {
            t.remove_prefix(1);
            if (digits() == 0) return false;
        }
        if (t.starts_with('e') || t.starts_with('E')) {
            t.remove_prefix(1);
            if (t.starts_with('+') || t.starts_with('-')) t.remove_prefix(1);
            if (digits() == 0) return false;
        }
        return t.empty();
    }

    bool string(std::string& out) {
        const Position begin = here();
        ++at_;
        while (true) {
            if (at_ >= text_.size()) return refuse_at(begin, "this text is not closed by a quote");
            const char c = text_[at_];
            if (static_cast<unsigned char>(c) < 0x20)
                return refuse(c == '\n' ? "the line ends within quotes; write \\n"
                                        : "a control character within quotes; write it as \\u00…");
            if (c == '"') {
                ++at_;
                return true;
            }
            if (c != '\\') {
                out += c;
                ++at_;
            } else if (!escape(out)) {
                return false;
            }
        }
    }

    bool escape(std::string& out) {
        constexpr std::string_view kLetters = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
        const char letter = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (const auto known = kLetters.find(letter); letter != '\0' && known != std::string_view::npos) {
            out += kMeant[known];
            at_ += 2;
            return true;
        }
        auto code = hex();
        if (!code) return refuse("JSON knows no such escape");
        if (*code >= 0xd800 && *code < 0xdc00) {
            at_ += 6;
            const auto low = hex();
            if (!low || *low < 0xdc00 || *low >= 0xe000)
                return refuse("the second half of a surrogate is missing");
            code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
        } else if (*code >= 0xdc00 && *code < 0xe000) {
            return refuse("the first half of a surrogate is missing");
        }
        at_ += 6;
        cel::append_utf8(out, *code);
        return true;
    }

    [[nodiscard]] std::optional<unsigned> hex() const {
        if (at_ + 6 > text_.size() || text_[at_] != '\\' || text_[at_ + 1] != 'u') return std::nullopt;
        unsigned code = 0;
        for (const char c : text_.substr(at_ + 2, 4)) {
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) return std::nullopt;
            code = code << 4 | static_cast<unsigned>(digit);
        }
        return code;
    }

    const std::string_view text_;
    const std::size_t most_;
    std::size_t at_ = 0, line_begin_ = 0, nodes_ = 0;
    int line_ = 1;
    std::optional<Diagnostic> error_;
};

}  // namespace

YamlDocument parse_json(std::string_view text, std::size_t most_nodes) {
    return JsonReader(text, most_nodes).read();
}

Syntax syntax_of(std::string_view name, std::string_view text) {
    if (name.ends_with(".gz")) name.remove_suffix(3);
    if (name.ends_with(".json")) return Syntax::json;
    if (name.ends_with(".yaml") || name.ends_with(".yml")) return Syntax::yaml;
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && (text[first] == '{' || text[first] == '[') ? Syntax::json
                                                                                         : Syntax::yaml;
}

YamlDocument parse_document(std::string_view text, Syntax syntax, std::size_t most_nodes) {
    return syntax == Syntax::json ? parse_json(text, most_nodes) : parse_yaml(text, most_nodes);
}

}  // namespace autotune::rules
