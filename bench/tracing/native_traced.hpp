// A program under a NativeSource, from its first instruction to its end.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "agent/native/native_source.hpp"
#include "bench/tracing/traced_worker.hpp"

namespace autotune::bench {

// All its events; none when it could not be traced.
inline std::vector<Event> trace_native(const std::string& function, const std::string& command,
                                       native::NativeHealth* health = nullptr) {
    std::vector<Event> all;
    auto made = native::make_native_source({.functions = {function}});
    if (!made) return all;
    native::NativeSource& source = **made;
    // The shell waits for our go.
    Worker worker({"/bin/sh", "-c", "read go; exec " + command});
    if (!source.focus({.processes = {worker.pid()}}) || !source.start()) return all;
    worker.go();
    EventBatch batch;
    const auto keep = [&] {
        all.insert(all.end(), batch.events.begin(), batch.events.end());
        batch.events.clear();
    };
    while (!worker.has_ended()) {
        if (!source.poll(Nanos(10'000'000), batch)) return {};
        keep();
    }
    if (!source.finish(batch)) return {};
    keep();
    if (health != nullptr) *health = source.health();
    return all;
}

// The numbers in a file, which is empty afterwards.
inline std::vector<double> take_numbers(const std::string& path) {
    std::vector<double> all;
    std::ifstream in(path);
    for (double number = 0; in >> number;) all.push_back(number);
    std::ofstream(path, std::ios::trunc).close();
    return all;
}

// A file of a benchmark, gone with the object.
class AnswerFile {
public:
    AnswerFile() {
        if (const int fd = mkstemp(path_.data()); fd < 0 || close(fd) != 0) std::abort();
    }
    ~AnswerFile() { unlink(path_.c_str()); }
    AnswerFile(const AnswerFile&) = delete;
    AnswerFile& operator=(const AnswerFile&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/autotune-native-XXXXXX";
};

}  // namespace autotune::bench
