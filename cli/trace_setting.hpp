// A TraceSetting as the notes of a recording, and back.
#pragma once

#include <span>

#include "agent/recording/reader.hpp"
#include "agent/recording/writer.hpp"
#include "core/trace.hpp"

namespace autotune::cli {

// What is known when the tracing begins, and what only its end tells.
[[nodiscard]] Status write_beginning(recording::RecordingWriter& writer, const TraceSetting& setting);
[[nodiscard]] Status write_ending(recording::RecordingWriter& writer, const TraceSetting& setting);

// Unknown notes are ignored: a newer program may have written them.
[[nodiscard]] TraceSetting setting_of(std::span<const recording::Note> notes);

}  // namespace autotune::cli
