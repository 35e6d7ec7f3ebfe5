// Fills a ProgramFile from its ELF file; libelf stays in the .cpp. For ProgramFile alone.
#pragma once

#include "agent/native/program_file.hpp"

namespace autotune::native {

class ProgramReader {
public:
    // REQUIRES: path_, fd_ and text_ are set. Errors: corrupt, unsupported.
    [[nodiscard]] static Status fill(ProgramFile& file);

private:
    class Impl;
    // The friend of ProgramFile is this class; its parts are named here for Impl.
    using Name = ProgramFile::Name;
    using Function = ProgramFile::Function;
    using Segment = ProgramFile::Segment;
};

}  // namespace autotune::native
