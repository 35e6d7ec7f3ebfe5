// Samples of programs whose code a JIT writes: Node and the JVM, by the maps that they leave for perf.
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/agent/symbols/sampler_on_kernel.hpp"

namespace autotune::symbols {
namespace {

class SamplerOnJit : public SamplerOnKernel {
protected:
    void TearDown() override {
        SamplerOnKernel::TearDown();
        if (!map_.empty()) std::filesystem::remove(map_);
        if (!folder_.empty()) std::filesystem::remove_all(folder_);
    }
    // Node and java have other threads too, which are of the same process.
    void run(SamplerSource& source, TracedChild& child, Collected& into) {
        map_ = "/tmp/perf-" + std::to_string(child.pid()) + ".map";
        collect(source, child, into);
    }
    static std::uint64_t with(const Collected& got, const std::string& part) {
        std::uint64_t most = 0;
        for (const auto& [name, count] : got.holding)
            if (name.find(part) != std::string::npos) most = std::max(most, count);
        return most;
    }
    // Samples of functions of such names that also hold a frame in no mapping.
    static std::uint64_t partly_nowhere(const Collected& got, const std::string& part) {
        std::uint64_t most = 0;
        for (const auto& [names, count] : got.pairs)
            if (names.first.find(part) != std::string::npos && names.second == "[unmapped]") most = std::max(most, count);
        return most;
    }
    std::string map_;
    std::string folder_;
};

constexpr const char* kNodeProgram = R"(
function burnInner(n) { let x = 0; for (let i = 0; i < n; i++) x = (x * 31 + i) % 1000003; return x; }
function burnOuter() { let x = 0; for (let i = 0; i < 50; i++) x += burnInner(20000); return x; }
let x = 0, made = [];
while (process.cpuUsage().user < 1500000) { x += burnOuter(); made.push(new Function('a', 'return a + ' + made.length)); x += made.at(-1)(1); }
console.log(x);
)";

// Node maps its code anew, and writes into it, while it runs: code that was executed has a name all the same.
TEST_F(SamplerOnJit, NamesWhatNodeCompiled) {
    if (access("/usr/bin/node", X_OK) != 0) GTEST_SKIP() << "optional: no Node here (package nodejs)";
    Collected got;
    std::uint64_t inner = 0, outer = 0, nowhere = 0;
    // Node's own start is much, and the caller is interpreted at first. Before it was executed the process had other mappings,
    // at which nobody looked: those samples are nowhere altogether.
    const auto is_named = [&] { return inner * 100 >= got.samples * 60 && outer * 100 >= inner * 80 && nowhere * 100 <= got.samples; };
    for (int tries = 0; tries < 3 && (tries == 0 || !is_named()); ++tries) {  // where the agent is held up, it looks too late
        const auto source = started();
        ASSERT_NE(source, nullptr);
        TracedChild child(cgroup_, {"/usr/bin/node", "--perf-basic-prof", "--no-logfile-per-isolate", "--logfile=/dev/null",
                                    "--no-turbo-inlining", write_program("burn.js", kNodeProgram)});
        got = Collected();
        run(*source, child, got);
        ASSERT_EQ(child.status(), 0) << child.text();
        ASSERT_GE(got.samples, 300u);
        inner = with(got, "burnInner"), outer = with(got, "burnOuter"), nowhere = partly_nowhere(got, "burn");
    }
    EXPECT_TRUE(is_named()) << got.samples << " samples, " << inner << " of burnInner, " << outer << " of its caller, " << nowhere
                            << " of them partly nowhere";
}

constexpr const char* kJavaProgram = R"(
public class Burn {
    static int spinInner(int n) { int x = 0; for (int i = 0; i < n; i++) x = (x * 31 + i) % 1000003; return x; }
    static int spinOuter() { int x = 0; for (int i = 0; i < 50; i++) x += spinInner(20000); return x; }
    public static void main(String[] args) throws Exception {
        int x = 0;
        System.out.println("up"); System.out.flush();
        java.io.File go = new java.io.File(args[0]);
        while (!go.exists()) x += spinOuter();
        java.lang.management.ThreadMXBean threads = java.lang.management.ManagementFactory.getThreadMXBean();
        long end = threads.getCurrentThreadCpuTime() + 1000000000L;
        while (threads.getCurrentThreadCpuTime() < end) x += spinOuter();
        System.out.println(x);
    }
}
)";

TEST_F(SamplerOnJit, NamesWhatTheJvmCompiled) {
    for (const char* tool : {"/usr/bin/java", "/usr/bin/javac", "/usr/bin/jcmd"})
        if (access(tool, X_OK) != 0) GTEST_SKIP() << "optional: there is no " << tool << " (package openjdk-17-jdk-headless)";
    folder_ = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-java";
    mkdir(folder_.c_str(), 0755);
    std::ofstream(folder_ + "/Burn.java") << kJavaProgram;
    ASSERT_EQ(std::system(("/usr/bin/javac -d " + folder_ + " " + folder_ + "/Burn.java").c_str()), 0);
    // One compiler: code that the other one made later would be at an address that the map does not have.
    TracedChild child(cgroup_, {"/usr/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+PreserveFramePointer",
                                "-XX:CompileCommand=quiet", "-XX:CompileCommand=dontinline,Burn.*", "-cp", folder_, "Burn", folder_ + "/go"});
    while (child.text().find("up\n") == std::string::npos && !child.ended()) ::poll(nullptr, 0, 5);
    map_ = "/tmp/perf-" + std::to_string(child.pid()) + ".map";
    // As long as it takes until both are compiled for good; the map tells.
    const auto is_compiled = [&] {
        std::ifstream map(map_);
        const std::string text((std::istreambuf_iterator<char>(map)), std::istreambuf_iterator<char>());
        return text.find("spinInner") != std::string::npos && text.find("spinOuter") != std::string::npos;
    };
    for (int i = 0; i < 20 && !is_compiled() && !child.ended(); ++i) {
        ASSERT_EQ(std::system(("/usr/bin/jcmd " + std::to_string(child.pid()) + " Compiler.perfmap > /dev/null").c_str()), 0);
    }
    ASSERT_TRUE(is_compiled());
    const auto source = started();
    ASSERT_NE(source, nullptr);
    std::ofstream(folder_ + "/go") << "";
    Collected got;
    run(*source, child, got);
    ASSERT_EQ(child.status(), 0) << child.text();
    ASSERT_GE(got.samples, 300u);
    EXPECT_GE(with(got, "spinInner") * 100, got.samples * 70) << got.samples << " samples";
    EXPECT_GE(with(got, "spinOuter") * 100, with(got, "spinInner") * 95);
    bool is_jvm = false;
    for (std::uint32_t i = 0; i < got.batch.tables.frames.size(); ++i)
        is_jvm |= got.batch.tables.frames[FrameId{i}].kind == FrameKind::jvm;
    EXPECT_TRUE(is_jvm);
}

}  // namespace
}  // namespace autotune::symbols
