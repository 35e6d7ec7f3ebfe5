// NoThreads: while it lives, no thread of this process begins: std::thread throws, as where a limit of processes is reached.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstddef>

namespace autotune::test {

// New threads are to have more stack than there are addresses.
class NoThreads {
public:
    NoThreads() {
        EXPECT_EQ(pthread_getattr_default_np(&usual_), 0);
        pthread_attr_t impossible;
        EXPECT_EQ(pthread_getattr_default_np(&impossible), 0);
        EXPECT_EQ(pthread_attr_setstacksize(&impossible, std::size_t{1} << 62), 0);
        EXPECT_EQ(pthread_setattr_default_np(&impossible), 0);
        pthread_attr_destroy(&impossible);
    }
    ~NoThreads() {
        pthread_setattr_default_np(&usual_);
        pthread_attr_destroy(&usual_);
    }
    NoThreads(const NoThreads&) = delete;
    NoThreads& operator=(const NoThreads&) = delete;

private:
    pthread_attr_t usual_;
};

}  // namespace autotune::test
