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

at_sampler_head head_of(at_sampler_record kind, at_sample_of of = AT_SAMPLE_TICK) {
    at_sampler_head head{};
    head.record = kind;
    head.of = of;
    head.tid = 4712;
    head.process = 3;
    head.stack = 77;
    head.at_ns = 1000;
    return head;
}

using Bytes = std::vector<std::byte>;
using Addresses = std::vector<std::uint64_t>;

struct StackBytes {
    at_sample_of of = AT_SAMPLE_LATER;
    std::uint16_t epoch = 0;
    std::uint16_t first = 1;
    Addresses fresh;
    std::vector<std::uint16_t> codes;  // native frames
};
Bytes stack_bytes(const StackBytes& of) {
    at_stack stack{.head = head_of(AT_RECORD_STACK, of.of),
                   .python_frames = 1,
                   .native_frames = static_cast<std::uint16_t>(of.codes.size()),
                   .kernel_frames = 1,
                   .fresh_frames = static_cast<std::uint16_t>(of.fresh.size()),
                   .epoch = of.epoch,
                   .first = of.first};
    stack.head.python_result = AT_PYTHON_WHOLE;
    stack.head.native_result = AT_NATIVE_WHOLE;
    Bytes bytes;
    append(bytes, stack);
    append(bytes, at_python_frame{.code = 1, .instruction = 2, .identity = 3});
    append(bytes, std::uint64_t{0xCCCC});
    for (const std::uint64_t address : of.fresh) append(bytes, address);
    for (const std::uint16_t code : of.codes) append(bytes, code);
    return bytes;
}

class SamplerRecordTest : public ::testing::Test {
protected:
    SamplerRecordTest() {
        Bytes bytes;
        append(bytes, at_told_process{.head = head_of(AT_RECORD_PROCESS), .start_ns = 5, .cgroup = 99, .pid = 4711});
        EXPECT_TRUE(decode(bytes));
    }
    Result<SamplerRecord> decode(std::span<const std::byte> bytes) { return decode_sampler_record(bytes, told_); }
    Addresses native(const StackBytes& of) {
        const auto record = decode(stack_bytes(of));
        return record ? std::get<SampleRecord>(*record).native : Addresses{};
    }
    void expect_every_cut_to_be_refused(const Bytes& whole) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const auto record = decode(std::span(whole).first(size));
            ASSERT_FALSE(record) << size;
            EXPECT_EQ(record.error().code, Errc::corrupt);
        }
    }
    ToldNumbers told_;
};

TEST_F(SamplerRecordTest, GivesTheFramesOfAStack) {
    const auto record = decode(stack_bytes({.fresh = {0xAAAA, 0xBBBB}, .codes = {0, 0}}));
    ASSERT_TRUE(record) << record.error().message;
    const auto& sample = std::get<SampleRecord>(*record);
    EXPECT_EQ(sample.from.process, (ProcessId{4711, 5}));
    EXPECT_EQ(sample.from.thread, ThreadId{4712});
    EXPECT_EQ(sample.from.cgroup, CgroupId{99});
    EXPECT_EQ(to_ns(sample.from.at), 1000);
    EXPECT_EQ(sample.number, 77u);
    EXPECT_FALSE(sample.is_tick);
    EXPECT_EQ(sample.python_result, AT_PYTHON_WHOLE);
    ASSERT_EQ(sample.python.size(), 1u);
    EXPECT_EQ(sample.python[0].identity, 3u);
    EXPECT_EQ(sample.native, (Addresses{0xAAAA, 0xBBBB}));
    EXPECT_EQ(sample.kernel, (Addresses{0xCCCC}));
}

TEST_F(SamplerRecordTest, KnowsAnAddressByTheNumberThatItWasToldWith) {
    ASSERT_EQ(native({.first = 10, .fresh = {0xAAAA, 0xBBBB}, .codes = {0, 0}}), (Addresses{0xAAAA, 0xBBBB}));
    EXPECT_EQ(native({.first = 12, .fresh = {0xDDDD}, .codes = {11, 0, 10, 11}}), (Addresses{0xBBBB, 0xDDDD, 0xAAAA, 0xBBBB}));
    EXPECT_EQ(native({.first = 0, .fresh = {}, .codes = {12}}), Addresses{0xDDDD});
}

TEST_F(SamplerRecordTest, RefusesNumbersThatNobodyTold) {
    EXPECT_FALSE(decode(stack_bytes({.first = 0, .fresh = {}, .codes = {12}})));
    EXPECT_FALSE(decode(stack_bytes({.fresh = {0xAAAA}, .codes = {0, 0}}))) << "more fresh frames than addresses";
    EXPECT_FALSE(decode(stack_bytes({.fresh = {0xAAAA, 0xBBBB}, .codes = {0}}))) << "fewer";
    Bytes bytes;
    at_sampler_head head = head_of(AT_RECORD_SAMPLE);
    head.process = 4;
    append(bytes, head);
    EXPECT_FALSE(decode(bytes)) << "a process";
}

TEST_F(SamplerRecordTest, KnowsNumbersOfAnEpochAndTheOneBefore) {
    ASSERT_FALSE(native({.epoch = 6, .first = 1, .fresh = {0xAAAA}, .codes = {0}}).empty());
    ASSERT_FALSE(native({.epoch = 7, .first = 1, .fresh = {0xBBBB}, .codes = {0}}).empty());
    EXPECT_EQ(native({.epoch = 6, .first = 0, .fresh = {}, .codes = {1}}), Addresses{0xAAAA}) << "still under way";
    EXPECT_EQ(native({.epoch = 7, .first = 0, .fresh = {}, .codes = {1}}), Addresses{0xBBBB});
    ASSERT_FALSE(native({.epoch = 8, .first = 1, .fresh = {0xCCCC}, .codes = {0}}).empty());
    EXPECT_EQ(native({.epoch = 6, .first = 0, .fresh = {}, .codes = {1}}), Addresses{});
}

TEST_F(SamplerRecordTest, SaysThatAnEpochHasNoMoreNumbers) {
    const auto record = decode(stack_bytes({.epoch = 6, .first = 0, .fresh = {0xAAAA}, .codes = {0}}));
    ASSERT_TRUE(record);
    EXPECT_EQ(std::get<SampleRecord>(*record).full_epoch, 6);
    const auto told = decode(stack_bytes({.epoch = 6, .first = AT_LAST_ADDRESS, .fresh = {0xAAAA, 0xBBBB}, .codes = {0, 0}}));
    ASSERT_TRUE(told);
    EXPECT_EQ(std::get<SampleRecord>(*told).full_epoch, std::nullopt);
    EXPECT_EQ(native({.epoch = 6, .first = 0, .fresh = {}, .codes = {AT_LAST_ADDRESS}}), Addresses{0xAAAA}) << "the last; the other has none";
}

TEST_F(SamplerRecordTest, RefusesEveryCutStack) {
    expect_every_cut_to_be_refused(stack_bytes({.fresh = {0xAAAA, 0xBBBB}, .codes = {0, 0}}));
}

TEST_F(SamplerRecordTest, TakesAStackForATickOfTheClockToo) {
    const auto record = decode(stack_bytes({.of = AT_SAMPLE_TICK, .fresh = {0xAAAA}, .codes = {0}}));
    ASSERT_TRUE(record);
    EXPECT_TRUE(std::get<SampleRecord>(*record).is_tick);
    EXPECT_FALSE(decode(stack_bytes({.of = AT_SAMPLE_OFF, .fresh = {0xAAAA}, .codes = {0}}))) << "its weight would be lost";
}

TEST_F(SamplerRecordTest, GivesTheWeightOfASample) {
    Bytes bytes;
    append(bytes, at_sample{.head = head_of(AT_RECORD_SAMPLE, AT_SAMPLE_OFF), .weight = 1234});
    const auto record = decode(bytes);
    ASSERT_TRUE(record) << record.error().message;
    const auto& weight = std::get<WeightRecord>(*record);
    EXPECT_EQ(weight.from.process, (ProcessId{4711, 5}));
    EXPECT_EQ(weight.of, AT_SAMPLE_OFF);
    EXPECT_EQ(weight.stack, 77u);
    EXPECT_EQ(weight.weight, 1234u);
    expect_every_cut_to_be_refused(bytes);
}

TEST_F(SamplerRecordTest, NeedsNoWeightOfATick) {
    Bytes bytes;
    append(bytes, head_of(AT_RECORD_SAMPLE, AT_SAMPLE_TICK));
    const auto record = decode(bytes);
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_EQ(std::get<WeightRecord>(*record).stack, 77u);
    expect_every_cut_to_be_refused(bytes);
}

TEST_F(SamplerRecordTest, RefusesWeightsOfUnknownKinds) {
    Bytes bytes;
    append(bytes, at_sample{.head = head_of(AT_RECORD_SAMPLE, AT_SAMPLE_LATER)});
    EXPECT_FALSE(decode(bytes));
}

TEST_F(SamplerRecordTest, GivesTheProgramOfAnExec) {
    at_exec exec{.head = head_of(AT_RECORD_EXEC), .text_start = 0x1000, .text_end = 0x2000, .inode = 7};
    std::memset(exec.path, 'x', sizeof exec.path);  // not terminated
    Bytes bytes;
    append(bytes, exec);
    const auto record = decode(bytes);
    ASSERT_TRUE(record);
    const auto& program = std::get<ExecRecord>(*record).program;
    EXPECT_EQ(program.path.size(), sizeof exec.path);
    EXPECT_EQ(program.inode, 7u);
    EXPECT_EQ(program.text_end, 0x2000u);
    bytes.pop_back();
    EXPECT_FALSE(decode(bytes));
}

TEST_F(SamplerRecordTest, RefusesUnknownKinds) {
    Bytes bytes;
    append(bytes, head_of(static_cast<at_sampler_record>(77)));
    EXPECT_FALSE(decode(bytes));
}

TEST_F(SamplerRecordTest, KeepsMoreProcessesThanTheKernelSideRemembers) {
    for (std::uint32_t i = 10; i < 10 + 8 * AT_KEPT_PROCESSES; ++i) {
        told_.tell(i, {.process = {static_cast<std::int32_t>(i), 1}});
        ASSERT_NE(told_.process(3), nullptr) << "one that is used";
    }
    EXPECT_NE(told_.process(10 + 7 * AT_KEPT_PROCESSES), nullptr);
    EXPECT_EQ(told_.process(10), nullptr) << "bounded";
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
