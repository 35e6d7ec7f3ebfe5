// The ingest path takes no memory for an I/O event once its buffers have grown. A program of its own, because
// it replaces operator new.
#include <gtest/gtest.h>

#include "tests/analyzer/counted_new.hpp"
#include "tests/analyzer/event_script.hpp"

namespace autotune {
namespace {

using namespace testing;

TEST(Ingest, AllocatesNothingForIoInSteadyState) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "a");
    s.at(1ms).born(a).at(2ms).start(a, "one");
    Nanos time = 3ms;
    const auto poll = [&] {
        for (int i = 0; i < 200; ++i, time += 50us) {
            s.at(i % 7 == 0 ? time - 1ms : time);  // so that there is something to sort
            s.send(a, 5 + i % 3, 10, kDatabase).receive(a, 5 + i % 3, 10, kDatabase);
        }
        const std::size_t before = allocations();
        s.at(time).poll(analyzer);
        return allocations() - before;
    };
    for (int warm_up = 0; warm_up < 20; ++warm_up) poll();
    std::size_t taken = 0;
    for (int i = 0; i < 50; ++i) taken += poll();
    EXPECT_EQ(taken, 0u);
    s.end(a, "one").feed(analyzer);
    EXPECT_EQ(analyzer.take_finished().at(0).peers.at(0).bytes_sent, 70u * 200 * 10);
}

}  // namespace
}  // namespace autotune
