// How long it takes to attach to, and to let go of, the 5,000 functions of a library that a process has loaded.
#include <dlfcn.h>

#include <chrono>

#include "agent/native/native_source.hpp"
#include "bench/tracing/rows.hpp"

namespace {

using namespace autotune;

template <class Do>
double milliseconds(Do&& what) {
    const auto begin = std::chrono::steady_clock::now();
    what();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main() {
    if (dlopen(NATIVE_LIBRARY, RTLD_NOW) == nullptr) return 1;
    std::vector<double> attach, detach;
    for (int i = 0; i < bench::kRounds; ++i) {
        auto made = native::make_native_source({.functions = {std::string(NATIVE_LIBRARY) + ":many_*"}});
        if (!made || (*made)->health().functions != 5'000) return 1;
        native::NativeSource& source = **made;
        EventBatch batch;
        if (!source.focus({.processes = {getpid()}})) return 1;
        Status done = ok();
        attach.push_back(milliseconds([&] { done = source.start(); }));
        if (!done) return 1;
        detach.push_back(milliseconds([&] { done = source.finish(batch); }));
        if (!done) return 1;
    }
    bool kept = bench::print({.name = "native_attach_5000",
                              .bar = 100,
                              .ours = bench::median(attach),
                              .says = "ms to attach to 5,000 functions, entry and return each"});
    kept &= bench::print({.name = "native_detach_5000",
                          .bar = 400,
                          .ours = bench::median(detach),
                          .says = "ms to let go of them, and to read what is left"});
    return kept ? 0 : 3;
}
