#include "exporters/notifier.hpp"

#include <cerrno>

#include "exporters/message.hpp"

namespace autotune::exporters {

Status StdoutNotifier::publish(const Publication& step) {
    const TwoClocks clocks{clock_.now(), clock_.wall()};
    std::string text;
    for (const Outcome& outcome : step.outcomes)
        if (const auto message = message_of(outcome, clocks)) text += to_text(*message);
    if (text.empty()) return ok();
    if (std::fwrite(text.data(), 1, text.size(), out_) != text.size() || std::fflush(out_) != 0)
        return fail(Errc::unavailable, errno_error("printing notifications", errno).message);
    return ok();
}

}  // namespace autotune::exporters
