#include "rules/recluster/replay.hpp"

#include <charconv>
#include <cmath>

#include "rules/yaml/json.hpp"

namespace autotune::rules {

namespace {

constexpr std::size_t kLongestLine = 64u << 20;
constexpr std::size_t kMostNodesOfALine = 2'000'000;
constexpr double kMost = 1e15;  // ms or MB: sums of them stay exact enough

// Typed values of one line's tree; the first mistake is kept.
class Line {
public:
    explicit Line(std::uint32_t number) : number_(number) {}

    void wrong(Position at, const std::string& what) {
        if (error_.empty()) error_ = std::to_string(number_) + ":" + std::to_string(at.column) + ": " + what;
    }
    [[nodiscard]] const std::string& error() const { return error_; }

    // Text, or a number taken as text (ids); "" for null or nothing.
    std::string text(const YamlNode& map, std::string_view key, bool needed) {
        const YamlNode* node = map.find(key);
        if (!node || node->kind == YamlNode::Kind::null) {
            if (needed) wrong(node ? node->at : map.at, "\"" + std::string(key) + "\" is missing");
            return {};
        }
        const bool word = node->kind == YamlNode::Kind::scalar && !boolean(*node);
        if (!word || node->text.empty()) {
            wrong(node->at, std::string(key) + ": must be text that is not empty");
            return {};
        }
        return node->text;
    }
    double number(const YamlNode& map, std::string_view key, double least) {
        const YamlNode* node = map.find(key);
        if (!node || node->kind == YamlNode::Kind::null) {
            wrong(node ? node->at : map.at, "\"" + std::string(key) + "\" is missing");
            return least;
        }
        double value = 0;
        const std::string& s = node->text;
        const bool plain = node->kind == YamlNode::Kind::scalar && node->style == YamlNode::Style::plain;
        const auto [end, code] = std::from_chars(s.data(), s.data() + s.size(), value);
        if (!plain || code == std::errc::invalid_argument || end != s.data() + s.size()) {
            wrong(node->at, std::string(key) + ": must be a number");
        } else if (code != std::errc{} || !std::isfinite(value) || std::abs(value) > kMost) {
            wrong(node->at, std::string(key) + ": " + s + " is out of range");
        } else if (value < least) {
            wrong(node->at, std::string(key) + ": " + s + (least > 0 ? " is too little" : " is negative"));
        } else {
            return value;
        }
        return std::max(least, 0.0);
    }
    // Of what need not be there.
    std::optional<double> number_or_none(const YamlNode& map, std::string_view key) {
        const YamlNode* node = map.find(key);
        if (!node || node->kind == YamlNode::Kind::null) return std::nullopt;
        return number(map, key, 0);
    }
    bool yes_or_no(const YamlNode& map, std::string_view key, std::optional<bool> otherwise) {
        const YamlNode* node = map.find(key);
        if (!node || node->kind == YamlNode::Kind::null) {
            if (!otherwise) wrong(node ? node->at : map.at, "\"" + std::string(key) + "\" is missing");
            return otherwise.value_or(false);
        }
        if (node->kind != YamlNode::Kind::scalar || !boolean(*node))
            wrong(node->at, std::string(key) + ": must be true or false");
        return node->text == "true";
    }

private:
    static bool boolean(const YamlNode& node) {
        return node.style == YamlNode::Style::plain && (node.text == "true" || node.text == "false");
    }
    std::uint32_t number_;
    std::string error_;
};

RecordedCall read_call(const YamlNode& node, Line& line, CallLog& log) {
    RecordedCall call;
    if (node.kind != YamlNode::Kind::map) return line.wrong(node.at, "a call must be an object"), call;
    const std::string callee = line.text(node, "callee", true);
    call.callee_id = line.text(node, "callee_id", false);
    call.start_ms = line.number(node, "start_ms", -kMost);
    call.duration_ms = line.number(node, "duration_ms", 0);
    call.sync = line.yes_or_no(node, "sync", std::nullopt);
    call.local = line.yes_or_no(node, "local", false);
    if (line.error().empty()) call.callee = log.function(callee);
    return call;
}

}  // namespace

Status ReplayReader::line(std::string_view text) {
    ++line_;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (line_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.find_first_not_of(" \t") == std::string_view::npos) return ok();
    Line read(line_);
    const YamlDocument document = parse_json(text, kMostNodesOfALine);
    for (const Diagnostic& d : document.diagnostics)
        if (d.kind == Diagnostic::Kind::error) read.wrong(d.at, d.message);
    if (!read.error().empty()) return fail(Errc::invalid_argument, read.error());
    if (!document.root || document.root->kind != YamlNode::Kind::map)
        return fail(Errc::invalid_argument, std::to_string(line_) + ":1: an invocation must be a JSON object");
    const YamlNode& root = *document.root;
    RecordedInvocation i;
    i.line = line_;
    const std::string trace = read.text(root, "trace", true);
    i.id = read.text(root, "id", true);
    i.parent = read.text(root, "parent", false);
    const std::string function = read.text(root, "function", true);
    i.memory_mb = read.number(root, "memory_mb", 1);
    i.start_ms = read.number(root, "start_ms", -kMost);
    i.end_ms = read.number(root, "end_ms", -kMost);
    i.billed_ms = read.number(root, "billed_ms", 0);
    i.cold = read.yes_or_no(root, "cold", false);
    i.peak_mb = read.number_or_none(root, "peak_mb").value_or(0);
    i.timeout_ms = read.number_or_none(root, "timeout_ms").value_or(0);
    i.cpu_ms = read.number_or_none(root, "cpu_ms");
    if (read.error().empty() && i.end_ms < i.start_ms)
        read.wrong(root.find("end_ms")->at, "end_ms: the end is before the start");
    if (read.error().empty()) i.function = log_.function(function);
    const YamlNode* calls = root.find("calls");
    if (calls && calls->kind != YamlNode::Kind::null) {
        if (calls->kind != YamlNode::Kind::sequence) read.wrong(calls->at, "calls: must be a list");
        for (const YamlNode& call : calls->children)
            if (read.error().empty()) i.calls.push_back(read_call(call, read, log_));
    }
    if (!read.error().empty()) return fail(Errc::invalid_argument, read.error());
    const auto [at, fresh] = traces_.emplace(trace, log_.traces.size());
    if (fresh) log_.traces.push_back({.id = trace, .invocations = {}});
    log_.traces[at->second].invocations.push_back(std::move(i));
    ++log_.invocations;
    return ok();
}

Status ReplayReader::feed(std::string_view piece) {
    while (state_ && !piece.empty()) {
        const std::size_t end = piece.find('\n');
        if (end == std::string_view::npos) {
            rest_ += piece;
            if (rest_.size() > kLongestLine)
                state_ = fail(Errc::invalid_argument, std::to_string(line_ + 1) + ":1: the line is longer than 64 MiB");
            break;
        }
        if (rest_.empty()) {
            state_ = line(piece.substr(0, end));
        } else {
            rest_ += piece.substr(0, end);
            const std::string whole = std::move(rest_);
            rest_.clear();
            state_ = line(whole);
        }
        piece.remove_prefix(end + 1);
    }
    return state_;
}

Result<CallLog> ReplayReader::finish() {
    if (state_ && !rest_.empty()) state_ = line(rest_);
    rest_.clear();
    if (!state_) return state_.forward();
    if (log_.traces.empty()) return fail(Errc::invalid_argument, "1:1: there is no invocation in it");
    return std::move(log_);
}

}  // namespace autotune::rules
