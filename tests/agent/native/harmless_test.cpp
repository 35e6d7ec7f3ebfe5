// Programs with probes on all they have, and on the C library below them, do what they do without.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "agent/native/native_source.hpp"
#include "agent/native/probe_plan.hpp"
#include "tests/agent/native/probed_program.hpp"

namespace autotune::native {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const std::string kProgram = AUTOTUNE_NATIVE_PROGRAM;
const std::string kThrows = AUTOTUNE_NATIVE_THROWS;
const std::string kLibrary = AUTOTUNE_NATIVE_LIBRARY;
const std::string kUnwinding = AUTOTUNE_NATIVE_UNWINDING;

// Copies of libraries of the system's, for the tested programs alone: probes are in every process that has the file.
class Copies {
public:
    Copies() { EXPECT_NE(mkdtemp(folder_.data()), nullptr); }
    ~Copies() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::string of(const std::string& library) const {
        const auto from = find_binary(library, std::nullopt);
        EXPECT_TRUE(from);
        std::filesystem::copy_file(*from, folder_ + "/" + library, std::filesystem::copy_options::skip_existing);
        return folder_ + "/" + library;
    }
    [[nodiscard]] const std::string& folder() const { return folder_; }

private:
    std::string folder_ = ::testing::TempDir() + "autotune-libraries-XXXXXX";
};

struct Case {
    std::vector<std::string> command;
    std::vector<std::string> functions;         // of the program
    std::vector<std::string> of_libraries = {};  // LIBRARY:GLOB
};

class Harmless : public ::testing::TestWithParam<Case> {};

TEST_P(Harmless, IsWhatIsProbed) {
    auto [command, functions, of_libraries] = GetParam();
    const Copies copies;
    for (const std::string& wanted : of_libraries) {
        const auto colon = wanted.find(':');
        functions.push_back(copies.of(wanted.substr(0, colon)) + wanted.substr(colon));
    }
    if (!of_libraries.empty())
        command.insert(command.begin(), {"/usr/bin/env", "LD_LIBRARY_PATH=" + copies.folder()});
    auto source = make_native_source({.functions = functions});
    ASSERT_TRUE(source) << source.error().message;
    const Ran with = run(command, source->get());
    const Ran without = run(command, nullptr);
    EXPECT_EQ(with.output, without.output);
    EXPECT_EQ(with.status, without.status);
    EXPECT_GT(with.batch.events.size(), 0u);
}

std::vector<Case> cases() {
    std::vector<Case> all;
    const std::vector<std::string> own{kProgram + ":*"}, throws{kThrows + ":*"}, unwinding{kUnwinding + ":*"};
    for (const char* what : {"calls", "recursive", "longjmp", "fork", "exec", "die", "exit", "threads"})
        all.push_back({{kProgram, what}, own});
    all.push_back({{kProgram, "unload", kLibrary}, {kProgram + ":*", kLibrary + ":*"}});
    all.push_back({{kThrows}, throws});
    // What the C library does on the way.
    all.push_back({{kProgram, "longjmp"}, own, {"libc.so.6:*jmp*"}});
    all.push_back({{kProgram, "exec"}, own, {"libc.so.6:exec*", "libc.so.6:*exit*"}});
    all.push_back({{kProgram, "fork"}, own, {"libc.so.6:*fork*", "libc.so.6:*wait*", "libc.so.6:*exit*"}});
    all.push_back({{kThrows}, throws, {"libstdc++.so.6:__cxa_*", "libgcc_s.so.1:_Unwind_*"}});
    all.push_back({{kUnwinding, "setjmp"}, unwinding, {"libc.so.6:*jmp*"}});
    all.push_back({{kUnwinding, "pthread_exit"}, unwinding, {"libc.so.6:pthread_*", "libc.so.6:*exit*"}});
    all.push_back({{kUnwinding, "cancel"}, unwinding, {"libc.so.6:pthread_*", "libc.so.6:pause"}});
    all.push_back({{kUnwinding, "sort"}, unwinding, {"libc.so.6:qsort*"}});
    all.push_back({{kUnwinding, "coroutine"}, unwinding, {"libc.so.6:*context*"}});
    all.push_back({{kUnwinding, "spawn"}, unwinding, {"libc.so.6:*vfork*", "libc.so.6:exec*"}});
    // All of it, its vector code included.
    const std::string script = "import json; print(sum(map(len, json.loads(json.dumps({str(i): 'x' * i for i in range(99)})))))";
    all.push_back({{"/usr/bin/python3", "-S", "-c", script}, {}, {"libc.so.6:*", "libm.so.6:*"}});
    return all;
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
    const auto& [command, functions, of_libraries] = info.param;
    const std::string& program = command.front();
    std::string name = std::to_string(info.index) + "_" + program.substr(program.rfind('/') + 1);
    if (command.size() > 1 && command[1] != "-S") name += "_" + command[1];
    return of_libraries.empty() ? name : name + "_and_library";
}
INSTANTIATE_TEST_SUITE_P(Programs, Harmless, ::testing::ValuesIn(cases()), name_of);

TEST(ReturnProbes, WhyThereAreNoneIsSaid) {
    const auto remarks = [](const std::string& function) {
        auto source = make_native_source({.functions = {function}});
        return source ? (*source)->health().missing : std::vector{source.error().message};
    };
    EXPECT_THAT(remarks(kThrows + ":probed_*"), Contains(HasSubstr("exceptions")));
    EXPECT_THAT(remarks(kProgram + ":_start"), Contains(HasSubstr("it has no return address")));
    EXPECT_THAT(remarks("libc.so.6:_setjmp"), Contains(HasSubstr("exceptions or ends of threads")));
}

}  // namespace
}  // namespace autotune::native
