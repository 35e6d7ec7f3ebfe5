// The only file that includes yaml-cpp. Its events are used, not its nodes: they keep duplicate keys,
// quoting and anchors, which nodes lose.
#include "rules/yaml/tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "rules/cel/string_literal.hpp"

namespace autotune::rules {

namespace {

Position position(const YAML::Mark& mark) {
    return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

// Unwinds out of yaml-cpp when going on makes no sense; caught in parse_yaml.
struct TooMuch {
    Diagnostic why;
};

class Builder final : public YAML::EventHandler {
public:
    Builder(std::vector<Diagnostic>& diagnostics, std::size_t most) : diagnostics_(diagnostics), most_(most) {}

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        leaf({.at = position(mark)}, anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            error(position(mark), "this alias is inside of what it refers to");
            return leaf({.at = position(mark)}, 0);
        }
        YamlNode copy = found->second;
        count(nodes_in(copy), position(mark));
        put(std::move(copy), position(mark));
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        check_tag(mark, tag);
        using Style = YamlNode::Style;
        leaf({.kind = YamlNode::Kind::scalar,
              .style = tag == "?" ? Style::plain : Style::quoted,
              .at = position(mark),
              .text = value},
             anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::sequence, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

    std::optional<YamlNode> take_root() { return std::move(root_); }

private:
    struct Open {
        YamlNode node;
        YAML::anchor_t anchor = 0;
        std::optional<std::pair<std::string, Position>> key;  // of a map, while its value is awaited
        bool key_refused = false;                             // its value is dropped
    };

    void error(Position at, std::string message) {
        diagnostics_.push_back({Diagnostic::Kind::error, at, std::move(message)});
    }

    void check_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!tag.empty() && tag != "?" && tag != "!") error(position(mark), "tags are not allowed: " + tag);
    }

    void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        check_tag(mark, tag);
        count(1, position(mark));
        open_.push_back({.node = {.kind = kind, .at = position(mark)}, .anchor = anchor});
    }

    void close() {
        Open done = std::move(open_.back());
        open_.pop_back();
        finish(std::move(done.node), done.anchor);
    }

    void leaf(YamlNode node, YAML::anchor_t anchor) {
        count(1, node.at);
        finish(std::move(node), anchor);
    }

    void finish(YamlNode node, YAML::anchor_t anchor) {
        if (anchor != 0) anchors_[anchor] = node;
        const Position at = node.at;
        put(std::move(node), at);
    }

    // Where the node belongs: the root, an element, a key or a key's value.
    void put(YamlNode node, Position at) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == YamlNode::Kind::sequence) {
            parent.node.children.push_back(std::move(node));
        } else if (!parent.key && !parent.key_refused) {
            key(parent, std::move(node), at);
        } else {
            if (!parent.key_refused) {
                parent.node.keys.push_back(std::move(parent.key->first));
                parent.node.key_at.push_back(parent.key->second);
                parent.node.children.push_back(std::move(node));
            }
            parent.key.reset();
            parent.key_refused = false;
        }
    }

    void key(Open& parent, YamlNode node, Position at) {
        const auto& keys = parent.node.keys;
        const auto same = std::find(keys.begin(), keys.end(), node.text);
        parent.key_refused = true;
        if (node.kind != YamlNode::Kind::scalar)
            error(at, "a key must be text");
        else if (node.text == "<<" && node.style == YamlNode::Style::plain)
            error(at, "merge keys ('<<') are not supported; write the keys out, or alias whole values");
        else if (same != keys.end())
            error(at,
                  "duplicate key '" + node.text + "', first given on line " +
                      std::to_string(parent.node.key_at[static_cast<std::size_t>(same - keys.begin())].line));
        else {
            parent.key = {std::move(node.text), at};
            parent.key_refused = false;
        }
    }

    static std::size_t nodes_in(const YamlNode& node) {
        std::size_t n = 1;
        for (const YamlNode& child : node.children) n += nodes_in(child);
        return n;
    }

    void count(std::size_t more, Position at) {
        nodes_ += more;
        if (nodes_ > most_)
            throw TooMuch{
                {Diagnostic::Kind::error, at,
                 "the file has more than " + std::to_string(most_) + " values (aliases expanded)"}};
    }

    std::vector<Diagnostic>& diagnostics_;
    const std::size_t most_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, YamlNode> anchors_;
    std::optional<YamlNode> root_;
    std::size_t nodes_ = 0;
};

// The first byte that no text file should have; yaml-cpp takes them for something else.
std::optional<Diagnostic> not_text(std::string_view text) {
    Position at{1, 1};
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f)
            return Diagnostic{Diagnostic::Kind::error, at, "a control character; this is not a text file"};
        if (c == '\n')
            at = {at.line + 1, 1};
        else
            ++at.column;
    }
    if (!cel::valid_utf8(text)) return Diagnostic{Diagnostic::Kind::error, {}, "the file is not UTF-8"};
    return std::nullopt;
}

// yaml-cpp's words, and what to do where they do not say it.
std::string explained(const std::string& message, std::string_view text, Position at) {
    std::size_t begin = 0;
    for (int line = 1; line < at.line && begin != std::string_view::npos; ++line) {
        begin = text.find('\n', begin);
        if (begin != std::string_view::npos) ++begin;
    }
    const bool tab =
        begin != std::string_view::npos && begin < text.size() &&
        text.substr(begin, text.find_first_not_of(" \t", begin) - begin).find('\t') != std::string_view::npos;
    return tab ? "tabs may not indent YAML; use spaces" : message;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
    const auto found = std::find(keys.begin(), keys.end(), key);
    return found == keys.end() ? nullptr : &children[static_cast<std::size_t>(found - keys.begin())];
}

YamlDocument parse_yaml(std::string_view text, std::size_t most_nodes) {
    YamlDocument out;
    if (auto bad = not_text(text)) {
        out.diagnostics.push_back(std::move(*bad));
        return out;
    }
    const auto error = [&](Position at, std::string message) {
        out.diagnostics.push_back({Diagnostic::Kind::error, at, std::move(message)});
    };
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        Builder builder(out.diagnostics, most_nodes);
        if (parser.HandleNextDocument(builder)) out.root = builder.take_root();
        Builder second(out.diagnostics, most_nodes);
        const std::size_t before = out.diagnostics.size();
        if (parser.HandleNextDocument(second)) {
            out.diagnostics.resize(before);
            const auto extra = second.take_root();
            error(extra ? extra->at : Position{}, "a second document; only one is read");
        }
    } catch (const TooMuch& much) {
        out.root.reset();
        out.diagnostics.push_back(much.why);
    } catch (const YAML::Exception& e) {
        out.root.reset();
        const Position at = position(e.mark);
        error(at, explained(e.msg, text, at));
    } catch (const std::exception& e) {
        out.root.reset();
        error({}, std::string("cannot be read: ") + e.what());
    }
    return out;
}

}  // namespace autotune::rules
