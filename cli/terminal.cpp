#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace autotune::cli {

render::Marks marks_of_locale() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const std::string_view locale(value);
        for (const std::string_view utf8 : {"UTF-8", "utf-8", "utf8", "UTF8"})
            if (locale.find(utf8) != std::string_view::npos) return render::Marks::unicode;
        return render::Marks::ascii;
    }
    return render::Marks::ascii;
}

render::Colour colour_of_terminal() {
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool refused = no_color != nullptr && *no_color != '\0';
    const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
    return refused || dumb || isatty(STDOUT_FILENO) == 0 ? render::Colour::off : render::Colour::on;
}

render::Style style_of_terminal() {
    winsize size{};
    const bool is_terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    return {.marks = marks_of_locale(),
            .colour = colour_of_terminal(),
            .width = is_terminal ? size.ws_col : std::size_t{0}};
}

}  // namespace autotune::cli
