#include "exporters/render/graph_page.hpp"

#include <utility>

#include "exporters/render/text.hpp"

namespace autotune::render {

std::string graph_page(GraphPage page) {
    // Nothing of the data ends the script that it stands in.
    std::string data = std::move(page.data);
    for (std::size_t at = 0; (at = data.find('<', at)) != std::string::npos;) data.replace(at, 1, "\\u003c");
    std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + xml_text(page.title) +
                      "</title>\n<style>" + std::string(kGraphStyle) + std::string(page.style) +
                      "</style>\n</head>\n<body>\n<h1>" + xml_text(page.title) + "</h1>\n<p>" + xml_text(page.about) +
                      "</p>\n<script type=\"application/json\" id=\"data\">" + data + "</script>\n<script>" +
                      std::string(kGraphScript) + "</script>\n";
    if (!page.script.empty()) out += "<script>" + std::string(page.script) + "</script>\n";
    return out + "</body>\n</html>\n";
}

}  // namespace autotune::render
