// Samples of CPython programs: whose lines and functions they are.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/agent/symbols/sampler_on_kernel.hpp"

namespace autotune::symbols {
namespace {

// Three functions of about 50, 30 and 20 %, each as it measured itself; nested, so that inner must appear
// below outer.
constexpr const char* kPythonProgram = R"(
import sys, time
spent = {}
def burn(seconds):
    end = time.thread_time() + seconds
    n = 0
    while time.thread_time() < end:
        for i in range(200):
            n += i * i
    return n
def account(name, begin):
    spent[name] = spent.get(name, 0.0) + time.thread_time() - begin
def alpha():
    begin = time.thread_time(); burn_alpha(0.050); account('alpha', begin)
def beta():
    begin = time.thread_time(); burn_beta(0.030); account('beta', begin)
def gamma():
    begin = time.thread_time(); burn_gamma(0.020); account('gamma', begin)
def burn_alpha(s): burn(s)
def burn_beta(s): burn(s)
class Work:
    def gamma_method(self, s): burn(s)
def burn_gamma(s): Work().gamma_method(s)
def main():
    for _ in range(30):
        alpha(); beta(); gamma()
main()
print(' '.join('%s %.6f' % item for item in spent.items()))
)";

class SamplerOnPython : public SamplerOnKernel {
protected:
    void expect_python_shares(const std::string& python) {
        const auto source = started();
        ASSERT_NE(source, nullptr);
        Collected got;
        TracedChild child(cgroup_, {python, write_program("shares.py", kPythonProgram)});
        collect(*source, child, got);
        ASSERT_EQ(child.status(), 0) << child.text();
        std::map<std::string, double> spent;
        std::istringstream words(child.text());
        double total = 0;
        for (std::string name; words >> name;) total += (words >> spent[name], spent[name]);
        ASSERT_EQ(spent.size(), 3u) << child.text();
        // Of the samples in main: start and end of the interpreter are not the functions' time.
        const double in_main = got.share("main");
        ASSERT_GE(got.holding["main"], 300u) << got.summary();
        for (const auto& [name, seconds] : spent)
            EXPECT_NEAR(got.share(name) / in_main, seconds / total, 0.03) << name;
        EXPECT_GT(got.holding["burn_alpha"], got.holding["alpha"] * 95 / 100) << got.summary();
        EXPECT_GT(got.holding["burn"], got.holding["main"] * 95 / 100) << got.summary();
        EXPECT_GT(got.holding["<module>"], got.holding["main"] * 95 / 100) << "the walk stops too early";
        // Modules' top-level code is freed when it has run.
        EXPECT_LT(source->health().unresolved_code, got.samples / 20);
        EXPECT_EQ(got.lost, 0u);
    }
};

// The system's, and those that AUTOTUNE_TEST_PYTHONS names (paths with ':' between them).
TEST_F(SamplerOnPython, GivesEachPythonFunctionItsShare) {
    std::vector<std::string> pythons{"/usr/bin/python3"};
    const char* others = std::getenv("AUTOTUNE_TEST_PYTHONS");
    std::istringstream list(others != nullptr ? others : "");
    for (std::string path; std::getline(list, path, ':');) pythons.push_back(path);
    for (const std::string& python : pythons) {
        SCOPED_TRACE(python);
        expect_python_shares(python);
    }
}

TEST_F(SamplerOnPython, ShowsPythonLinesAndFiles) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    const std::string program = write_program("lines.py",
                                              "def spin():\n"
                                              "    n = 0\n"
                                              "    for i in range(6000000):\n"
                                              "        n += i * i\n"
                                              "    return n\n"
                                              "\n"
                                              "spin()\n");
    TracedChild child(cgroup_, {"/usr/bin/python3", program});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    std::map<std::string, std::set<std::uint32_t>> lines;
    for (const StackId stack : got.stacks)
        for (const FrameId f : got.batch.tables.stacks[stack]) {
            const Frame& frame = got.batch.tables.frames[f];
            if (got.batch.tables.strings[frame.file] == program) lines[got.name(f)].insert(frame.line);
        }
    EXPECT_EQ(lines["<module>"], (std::set<std::uint32_t>{7})) << got.summary();
    EXPECT_TRUE(lines["spin"].contains(4)) << got.summary();
    for (const std::uint32_t line : lines["spin"]) EXPECT_TRUE(line >= 1 && line <= 5) << line;
}

TEST_F(SamplerOnPython, PutsNativeWorkBelowThePythonFunctionThatAskedForIt) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_,
                      {"/usr/bin/python3", write_program("zip.py",
                                                         "import zlib, random\n"
                                                         "data = random.Random(1).randbytes(3000000)\n"
                                                         "def press():\n"
                                                         "    for _ in range(6): zlib.compress(data)\n"
                                                         "press()\n")});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    EXPECT_GT(got.holding["press"], 100u) << got.summary();
    const bool has_zlib = std::ranges::any_of(
        got.modules, [](const auto& m) { return m.find("libz.so") != std::string::npos; });
    EXPECT_TRUE(has_zlib) << got.summary();
    EXPECT_LT(got.leaves["press"], got.holding["press"] / 4) << "the native leaf is missing";
}

// zlib lets go of the GIL while it works: the thread that holds it is another one then.
TEST_F(SamplerOnPython, NamesThreadsThatRunWithoutTheGil) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {"/usr/bin/python3",
                                write_program("threads.py",
                                              "import zlib, random, threading\n"
                                              "data = random.Random(1).randbytes(3000000)\n"
                                              "def press():\n"
                                              "    for _ in range(4): zlib.compress(data)\n"
                                              "def spin():\n"
                                              "    return sum(i * i for i in range(4000000))\n"
                                              "ts = [threading.Thread(target=press) for _ in range(2)]\n"
                                              "[t.start() for t in ts]\n"
                                              "spin()\n"
                                              "[t.join() for t in ts]\n")});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    EXPECT_GT(got.holding["press"], 100u) << got.summary();
    EXPECT_GT(got.holding["spin"], 50u) << got.summary();
    EXPECT_EQ(got.together("press", "spin"), 0u) << "one thread was given another's stack";
    EXPECT_GT(source->health().python_samples, got.samples * 8 / 10) << got.summary();
}

}  // namespace
}  // namespace autotune::symbols
