// Programs that are traced from within, one a name: each does something that probes could break, and prints what came
// of it. Functions in `seen` are counted by the test; what has no business in a trace is not instrumented.
#include <alloca.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#define UNSEEN __attribute__((no_instrument_function, patchable_function_entry(0, 0)))
#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

namespace {

volatile int sink;

struct Guard {
    UNSEEN explicit Guard(int* counter) : counter(counter) {}
    UNSEEN ~Guard() { ++*counter; }
    int* counter;
};

}  // namespace

extern "C" {

APART int fib(int n) {
    const int sum = n < 2 ? n : fib(n - 1) + fib(n - 2);
    return sink = sum;  // what is done afterwards keeps it from becoming a loop
}

APART int down(int n) {
    const int depth = n == 0 ? 0 : down(n - 1) + 1;
    return sink = depth;
}

APART int work(int n) { return sink = n * 2; }

// Tail calls: the frame of one becomes that of the next.
APART int last(int n) { return sink = n; }
APART int middle(int n) {
    sink = 1;
    return last(n + 1);
}
APART int first(int n) {
    sink = 2;
    return middle(n + 1);
}

// Arguments and results in every kind of register, and on the stack.
struct Pair {
    double a;
    long b;
};
struct Large {
    long numbers[8];
};
APART double floats(float a, double b, double c, double d, double e, double f, double g, double h, double on_stack) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * on_stack;
}
APART long integers(long a, long b, long c, long d, long e, long f, long g, long h) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}
APART Pair pair(double a, long b) { return {a * 2, b * 3}; }
APART Large large(long n) { return {{n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7}}; }
APART __int128 wide(__int128 n) { return n * 3; }
APART long double extended(long double n) { return n / 3; }
APART int various(int count, ...) {
    va_list list;
    va_start(list, count);
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += i % 2 ? va_arg(list, double) : va_arg(list, int);
    va_end(list);
    return int(sum * 10);
}

APART void thrower(int n, int* counter) {
    const Guard guard(counter);
    if (n == 0) throw std::runtime_error("thrown");
    thrower(n - 1, counter);
    sink = n;
}
APART int catcher(int* counter) {
    try {
        thrower(3, counter);
    } catch (const std::exception& e) {
        return int(strlen(e.what()));
    }
    return 0;
}

jmp_buf target;
APART void jumper(int n) {
    if (n == 0) longjmp(target, 1);
    jumper(n - 1);
    sink = n;
}
APART void leaver(int n, int* counter) {
    const Guard guard(counter);
    if (n == 0) pthread_exit(nullptr);
    leaver(n - 1, counter);
    sink = n;
}
APART void waiter(int n, int* counter) {
    const Guard guard(counter);
    if (n == 0)
        for (;;) pause();
    waiter(n - 1, counter);
    sink = n;
}
// Where the outermost frame goes on: the same from everywhere, if all frames between were found.
APART void* outermost(int n) {
    if (n > 0) {
        void* const found = outermost(n - 1);
        sink = n;
        return found;
    }
    void* frames[100];
    const int count = backtrace(frames, 100);
    return count > 0 ? frames[count - 1] : nullptr;
}

ucontext_t main_context, contexts[2];
APART void step(int who, int n) {
    if (n > 0) {
        step(who, n - 1);
        sink = n;
        return;
    }
    swapcontext(&contexts[who], &main_context);
    sink = who;
}
UNSEEN void coroutine(int who) {
    for (int i = 0; i < 3; ++i) step(who, 4 + who);
    swapcontext(&contexts[who], &main_context);
}

}  // extern "C"

namespace {

UNSEEN void* several_works(void*) {
    for (int i = 0; i < 10; ++i) work(i);
    return nullptr;
}
UNSEEN void* leave(void* counter) {
    leaver(5, static_cast<int*>(counter));
    return nullptr;
}
UNSEEN void* wait_to_be_cancelled(void* counter) {
    waiter(5, static_cast<int*>(counter));
    return nullptr;
}
volatile sig_atomic_t handled;
UNSEEN void handler(int) {
    work(1);
    handled = handled + 1;
}

UNSEEN int recursion() { return printf("%d\n", fib(15)) < 0; }

UNSEEN int deep() { return printf("%d\n", down(100'000)) < 0; }

UNSEEN int threads() {
    for (int wave = 0; wave < 5; ++wave) {
        pthread_t all[200];
        for (pthread_t& t : all)
            if (pthread_create(&t, nullptr, several_works, nullptr) != 0) return 1;
        for (pthread_t& t : all) pthread_join(t, nullptr);
    }
    return puts("1000 threads") < 0;
}

UNSEEN int tails() {
    int sum = 0;
    for (int i = 0; i < 100; ++i) sum += first(i);
    return printf("%d\n", sum) < 0;
}

UNSEEN int registers() {
    const Pair p = pair(1.5, 7);
    const Large l = large(40);
    printf("%g %ld ", floats(1, 2, 3, 4, 5, 6, 7, 8, 9), integers(1, 2, 3, 4, 5, 6, 7, 8));
    printf("%g %ld %ld ", p.a, p.b, l.numbers[7]);
    printf("%ld %.6Lf %d\n", long(wide(__int128(1) << 70) >> 70), extended(1.0L), various(4, 1, 2.5, 3, 4.5));
    return 0;
}

UNSEEN int exceptions() {
    int unwound = 0, sum = 0;
    for (int i = 0; i < 1000; ++i) sum += catcher(&unwound);
    return printf("%d %d\n", sum, unwound) < 0;
}

UNSEEN int jumps() {
    static int count;
    for (count = 0; count < 1000; ++count)
        if (setjmp(target) == 0) jumper(3);
    work(1);
    return printf("%d\n", count) < 0;
}

UNSEEN int ends() {
    int unwound = 0;
    pthread_t t;
    for (int i = 0; i < 20; ++i) {
        pthread_create(&t, nullptr, leave, &unwound);
        pthread_join(t, nullptr);
        pthread_create(&t, nullptr, wait_to_be_cancelled, &unwound);
        pthread_cancel(t);
        pthread_join(t, nullptr);
    }
    return printf("%d\n", unwound) < 0;
}

UNSEEN int children() {
    work(0);
    fflush(stdout);
    int status = 0, sum = 0;
    for (int i = 0; i < 3; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            for (int k = 0; k < 5; ++k) work(k);
            exit(7);
        }
        waitpid(child, &status, 0);
        sum += WEXITSTATUS(status);
    }
    const pid_t other = vfork();
    if (other == 0) {
        execl("/proc/self/exe", "scenes", "tails", static_cast<char*>(nullptr));
        _exit(1);
    }
    waitpid(other, &status, 0);
    return printf("%d %d\n", sum, WEXITSTATUS(status)) < 0;
}

UNSEEN int signals() {
    stack_t other{};
    other.ss_size = 65536;
    other.ss_sp = malloc(other.ss_size);
    sigaltstack(&other, nullptr);
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    sigaction(SIGUSR1, &action, nullptr);
    const itimerval often{{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &often, nullptr);
    int sum = 0;
    for (int i = 0; i < 200; ++i) sum += fib(12), raise(SIGUSR1);
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    return printf("%d %s\n", sum, handled >= 200 ? "handled" : "lost") < 0;
}

UNSEEN int coroutines() {
    for (int who = 0; who < 2; ++who) {
        getcontext(&contexts[who]);
        contexts[who].uc_stack.ss_size = 65536;
        contexts[who].uc_stack.ss_sp = malloc(65536);
        makecontext(&contexts[who], reinterpret_cast<void (*)()>(coroutine), 1, who);
    }
    for (int i = 0; i < 4; ++i)
        for (int who = 0; who < 2; ++who) {
            swapcontext(&main_context, &contexts[who]);
            work(i);
        }
    return puts("both ended") < 0;
}

UNSEEN int backtraces() {
    void* const shallow = outermost(0);
    return puts(outermost(10) == shallow ? "walked" : "lost") < 0;
}

UNSEEN int library() {
    for (int i = 0; i < 3; ++i) {
        void* loaded = dlopen(getenv("SCENES_LIBRARY"), RTLD_NOW);
        if (loaded == nullptr) return puts(dlerror()), 1;
        const auto plug = reinterpret_cast<int (*)(int)>(dlsym(loaded, "plug"));
        for (int k = 0; k < 4; ++k) sink = plug(k);
        dlclose(loaded);
    }
    return puts("unloaded") < 0;
}

UNSEEN int killed() {
    for (int i = 0; i < 10; ++i) work(i);
    int ignored = 0;
    puts("about to die");
    fflush(stdout);
    alarm(1);
    waiter(2, &ignored);
    return 0;
}

struct Scene {
    const char* name;
    int (*play)();
};
constexpr Scene kScenes[] = {{"recursion", recursion},   {"deep", deep},         {"threads", threads},
                             {"tails", tails},           {"registers", registers}, {"exceptions", exceptions},
                             {"jumps", jumps},           {"ends", ends},         {"children", children},
                             {"signals", signals},       {"coroutines", coroutines}, {"backtraces", backtraces},
                             {"library", library},       {"killed", killed}};

}  // namespace

UNSEEN int main(int, char** argv) {
    for (const Scene& scene : kScenes)
        if (argv[1] != nullptr && strcmp(argv[1], scene.name) == 0) return scene.play();
    return 2;
}
