#include "analyzer/owner/lambda_path.hpp"

#include <charconv>

namespace autotune::analysis {

namespace {

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned char c = 0;
        const auto* from = text.data() + i + 1;
        if (text[i] == '%' && i + 2 < text.size() && std::from_chars(from, from + 2, c, 16).ptr == from + 2) {
            out += static_cast<char>(c);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool take(std::string_view& text, std::string_view beginning) {
    if (!text.starts_with(beginning)) return false;
    text.remove_prefix(beginning.size());
    return true;
}

}  // namespace

std::string invoked_function(std::string_view method, std::string_view path) {
    if (method != "POST") return {};
    if (!take(path, "/2015-03-31/functions/") && !take(path, "/2021-11-15/functions/")) return {};
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return {};
    const std::string_view action = path.substr(slash + 1);
    if (action != "invocations" && action != "response-streaming-invocations") return {};
    std::string name = decoded(path.substr(0, slash));
    // [arn:aws:lambda:REGION:]ACCOUNT:function:NAME[:QUALIFIER], or NAME[:QUALIFIER]
    constexpr std::string_view kBefore = "function:";
    if (const auto at = name.find(kBefore); at != std::string::npos) name.erase(0, at + kBefore.size());
    return name.substr(0, name.find(':'));
}

}  // namespace autotune::analysis
