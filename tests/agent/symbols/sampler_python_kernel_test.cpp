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
    // The system's, and those that AUTOTUNE_PYTHONS names (paths with ':' between them).
    static std::vector<std::string> pythons() {
        std::vector<std::string> all{"/usr/bin/python3"};
        const char* others = std::getenv("AUTOTUNE_PYTHONS");
        std::istringstream list(others != nullptr ? others : "");
        for (std::string path; std::getline(list, path, ':');) all.push_back(path);
        return all;
    }

    // Stacks with the two innermost of `names` (leaf first) hold all of them, in that order, each once.
    static void expect_order(Collected& got, const std::vector<std::string>& names, std::uint64_t at_least) {
        EXPECT_GE(got.together(names[0], names[1]), at_least) << names[1] << ": " << got.summary();
        for (const StackId stack : got.stacks) {
            std::vector<std::string> held;
            std::string all;
            for (const FrameId f : got.batch.tables.stacks[stack]) {
                all += got.name(f) + " ";
                if (std::ranges::find(names, got.name(f)) != names.end()) held.push_back(got.name(f));
            }
            if (std::ranges::find(held, names[0]) == held.end() || std::ranges::find(held, names[1]) == held.end())
                continue;
            EXPECT_EQ(held, names) << all;
        }
    }

    // Frames whose name ends so, at most, in one stack that holds `function`.
    static std::size_t frames_like(Collected& got, const std::string& end, const std::string& function) {
        std::size_t most = 0;
        for (const StackId stack : got.stacks) {
            std::size_t count = 0;
            bool held = false;
            for (const FrameId f : got.batch.tables.stacks[stack]) {
                count += got.name(f).ends_with(end) ? 1 : 0;
                held = held || got.name(f) == function;
            }
            if (held) most = std::max(most, count);
        }
        return most;
    }

    void expect_python_shares(const std::string& python) {
        const auto source = started();
        ASSERT_NE(source, nullptr);
        Collected got;
        TracedChild child(cgroup_, {python, python_program("shares.py", kPythonProgram)});
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

TEST_F(SamplerOnPython, GivesEachPythonFunctionItsShare) {
    for (const std::string& python : pythons()) {
        SCOPED_TRACE(python);
        expect_python_shares(python);
    }
}

// C of several kinds calls back into Python: the interpreter's own (sorted, a generator driven by sum) and a library's
// (libc's qsort through ctypes), which has its native frames between Python's.
constexpr const char* kCallbacks = R"(
import ctypes, time
libc = ctypes.CDLL(None)
def burn(seconds):
    end = time.thread_time() + seconds
    n = 0
    while time.thread_time() < end:
        for i in range(200): n += i * i
    return n
def key(x): burn(0.0005); return x
def sort_by_key(): sorted(range(200), key=key)
def numbers():
    for i in range(200): burn(0.0005); yield i
def add_up(): sum(numbers())
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
@Compare
def compare(a, b): burn(0.0005); return a[0] - b[0]
def sort(how):
    values = (ctypes.c_int * 50)(*range(50, 0, -1))
    libc.qsort(values, 50, 4, how)
def sort_by_libc(): sort(compare)
def fill(): burn(0.1)
class Made:
    def __init__(self): fill()
def make(): Made()
def main(): sort_by_key(); add_up(); sort_by_libc(); make()
main()
)";

TEST_F(SamplerOnPython, PutsNativeFramesBetweenThePythonFramesTheyCalled) {
    for (const std::string& python : pythons()) {
        SCOPED_TRACE(python);
        const auto source = started();
        ASSERT_NE(source, nullptr);
        Collected got;
        TracedChild child(cgroup_, {python, python_program("callbacks.py", kCallbacks)});
        collect(*source, child, got);
        ASSERT_EQ(child.status(), 0) << child.text();
        expect_order(got, {"burn", "key", "sort_by_key", "main", "<module>"}, 60);
        expect_order(got, {"burn", "numbers", "add_up", "main", "<module>"}, 60);
        expect_order(got, {"burn", "fill", "make", "main", "<module>"}, 60);
        expect_order(got, {"burn", "compare", "qsort_r", "sort", "sort_by_libc", "main", "<module>"}, 60);
        EXPECT_EQ(got.together("_PyEval_EvalFrameDefault", "main"), 0u) << "each stands for Python frames";
        // 3.12 on pushes a frame of its own below a class's __init__.
        EXPECT_EQ(frames_like(got, "__init__", "make"), 1u);
        EXPECT_EQ(source->health().guessed_runs, 0u);
    }
}

TEST_F(SamplerOnPython, ShowsPythonLinesAndFiles) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    const std::string program = python_program("lines.py",
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
    EXPECT_EQ(lines["<module>"], (std::set<std::uint32_t>{8})) << got.summary();
    EXPECT_TRUE(lines["spin"].contains(5)) << got.summary();
    for (const std::uint32_t line : lines["spin"]) EXPECT_TRUE(line >= 2 && line <= 6) << line;
}

TEST_F(SamplerOnPython, PutsNativeWorkBelowThePythonFunctionThatAskedForIt) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_,
                      {"/usr/bin/python3", python_program("zip.py",
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

TEST_F(SamplerOnPython, CutsRecursionTenThousandDeepAndSaysSo) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {"/usr/bin/python3", python_program("deep.py",
                                                                  "import sys, time\n"
                                                                  "sys.setrecursionlimit(20000)\n"
                                                                  "def down(n):\n"
                                                                  "    if n: return down(n - 1)\n"
                                                                  "    end = time.thread_time() + 0.5\n"
                                                                  "    while time.thread_time() < end: pass\n"
                                                                  "down(10000)\n")});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0) << child.text();
    EXPECT_GE(got.holding["down"], 300u) << got.summary();
    EXPECT_GE(got.truncated, got.holding["down"] - 20) << got.summary();
    for (const StackId stack : got.stacks) EXPECT_LE(got.batch.tables.stacks[stack].size(), 1'500u);
}

// It takes away the code it runs in, and dies of it: what comes after is sampled as before.
TEST_F(SamplerOnPython, OutlivesAProcessThatUnmapsItself) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild gone(cgroup_, {"/usr/bin/python3", python_program("unmaps.py",
                                                                 "import ctypes, time\n"
                                                                 "libc = ctypes.CDLL(None)\n"
                                                                 "end = time.thread_time() + 0.3\n"
                                                                 "while time.thread_time() < end: pass\n"
                                                                 "for line in open('/proc/self/maps'):\n"
                                                                 "    if 'libc.so' in line:\n"
                                                                 "        a, b = (int(x, 16) for x in line.split()[0].split('-'))\n"
                                                                 "        libc.munmap(ctypes.c_void_p(a), ctypes.c_size_t(b - a))\n")});
    collect(*source, gone, got);
    EXPECT_EQ(gone.status(), -1) << "it was to die by a signal";
    EXPECT_GT(got.holding["<module>"], 100u) << got.summary();
    go_.clear();  // the next does not wait
    Collected after;
    TracedChild next(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "200"});
    collect(*source, next, after);
    EXPECT_EQ(next.status(), 0);
    EXPECT_GT(after.holding["large_share"], 60u) << after.summary();
}

// zlib lets go of the GIL while it works: the thread that holds it is another one then.
TEST_F(SamplerOnPython, NamesThreadsThatRunWithoutTheGil) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {"/usr/bin/python3",
                                python_program("threads.py",
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
    EXPECT_GT(source->health().python_samples - got.python_before, got.samples * 8 / 10) << got.summary();
}

}  // namespace
}  // namespace autotune::symbols
