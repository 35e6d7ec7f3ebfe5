#include "agent/symbols/sampler_record.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "agent/symbols/python_interpreter.hpp"
#include "agent/symbols/sampler_source.hpp"

namespace autotune::symbols {
namespace {

template <class T>
void append(std::vector<std::byte>& bytes, const T& value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), raw, raw + sizeof value);
}

at_sampler_head head_of(std::uint32_t kind) {
    at_sampler_head head{};
    head.record = kind;
    head.pid = 4711;
    head.tid = 4712;
    head.at_ns = 1000;
    head.start_ns = 5;
    head.cgroup = 99;
    return head;
}

std::vector<std::byte> stack_bytes() {
    std::vector<std::byte> bytes;
    append(bytes, at_stack{.head = head_of(AT_RECORD_STACK),
                           .number = 77,
                           .python_frames = 1,
                           .native_frames = 2,
                           .kernel_frames = 1,
                           .python_result = AT_PYTHON_WHOLE,
                           .native_result = AT_NATIVE_WHOLE});
    append(bytes, at_python_frame{.code = 1, .instruction = 2, .identity = 3});
    append(bytes, std::uint64_t{0xAAAA});
    append(bytes, std::uint64_t{0xBBBB});
    append(bytes, std::uint64_t{0xCCCC});
    return bytes;
}

void expect_every_cut_to_be_refused(const std::vector<std::byte>& whole) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto record = decode_sampler_record(std::span(whole).first(size));
        ASSERT_FALSE(record) << size;
        EXPECT_EQ(record.error().code, Errc::corrupt);
    }
}

TEST(SamplerRecord, GivesTheFramesOfAStack) {
    const auto record = decode_sampler_record(stack_bytes());
    ASSERT_TRUE(record) << record.error().message;
    const auto& sample = std::get<SampleRecord>(*record);
    EXPECT_EQ(sample.from.process, (ProcessId{4711, 5}));
    EXPECT_EQ(sample.from.thread, ThreadId{4712});
    EXPECT_EQ(sample.from.cgroup, CgroupId{99});
    EXPECT_EQ(to_ns(sample.from.at), 1000);
    EXPECT_EQ(sample.number, 77u);
    EXPECT_EQ(sample.python_result, AT_PYTHON_WHOLE);
    ASSERT_EQ(sample.python.size(), 1u);
    EXPECT_EQ(sample.python[0].identity, 3u);
    EXPECT_EQ(sample.native, (std::vector<std::uint64_t>{0xAAAA, 0xBBBB}));
    EXPECT_EQ(sample.kernel, (std::vector<std::uint64_t>{0xCCCC}));
}

TEST(SamplerRecord, RefusesEveryCutStack) { expect_every_cut_to_be_refused(stack_bytes()); }

TEST(SamplerRecord, GivesTheWeightOfASample) {
    std::vector<std::byte> bytes;
    at_sample sample{.head = head_of(AT_RECORD_SAMPLE), .stack = 77, .weight = 1234};
    sample.head.of = AT_SAMPLE_OFF;
    append(bytes, sample);
    const auto record = decode_sampler_record(bytes);
    ASSERT_TRUE(record) << record.error().message;
    const auto& weight = std::get<WeightRecord>(*record);
    EXPECT_EQ(weight.of, AT_SAMPLE_OFF);
    EXPECT_EQ(weight.stack, 77u);
    EXPECT_EQ(weight.weight, 1234u);
    expect_every_cut_to_be_refused(bytes);
}

TEST(SamplerRecord, RefusesWeightsOfUnknownKinds) {
    std::vector<std::byte> bytes;
    at_sample sample{.head = head_of(AT_RECORD_SAMPLE)};
    sample.head.of = AT_SAMPLE_MEMORY + 1;
    append(bytes, sample);
    EXPECT_FALSE(decode_sampler_record(bytes));
}

TEST(SamplerRecord, GivesTheProgramOfAnExec) {
    at_exec exec{.head = head_of(AT_RECORD_EXEC), .text_start = 0x1000, .text_end = 0x2000, .inode = 7};
    std::memset(exec.path, 'x', sizeof exec.path);  // not terminated
    std::vector<std::byte> bytes;
    append(bytes, exec);
    const auto record = decode_sampler_record(bytes);
    ASSERT_TRUE(record);
    const auto& program = std::get<ExecRecord>(*record).program;
    EXPECT_EQ(program.path.size(), sizeof exec.path);
    EXPECT_EQ(program.inode, 7u);
    EXPECT_EQ(program.text_end, 0x2000u);
    bytes.pop_back();
    EXPECT_FALSE(decode_sampler_record(bytes));
}

TEST(SamplerRecord, RefusesUnknownKinds) {
    std::vector<std::byte> bytes;
    append(bytes, head_of(77));
    EXPECT_FALSE(decode_sampler_record(bytes));
}

TEST(PythonPath, TellsTheVersion) {
    EXPECT_EQ(python_minor_of_path("/usr/bin/python3.11"), 11u);
    EXPECT_EQ(python_minor_of_path("/opt/lib/libpython3.8.so.1.0"), 8u);
    EXPECT_EQ(python_minor_of_path("/opt/python3.12/bin/uwsgi"), std::nullopt);
    EXPECT_EQ(python_minor_of_path("/usr/bin/python3"), std::nullopt);
    EXPECT_EQ(python_minor_of_path("/usr/bin/python2.7"), std::nullopt);
}

TEST(SamplerSource, RefusesRatesThatCannotBe) {
    EXPECT_FALSE(make_sampler_source({.sample_hz = 0}));
    EXPECT_FALSE(make_sampler_source({.sample_hz = 1'000'000}));
}

TEST(SamplerSource, MustBeStartedBeforeItIsPolled) {
    const auto source = make_sampler_source({});
    ASSERT_TRUE(source);
    EventBatch batch;
    EXPECT_FALSE((*source)->poll(Nanos(0), batch));
    EXPECT_FALSE((*source)->health().attached);
}

}  // namespace
}  // namespace autotune::symbols
