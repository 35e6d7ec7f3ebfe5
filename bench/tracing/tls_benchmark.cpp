// What hearing TLS adds to a call of OpenSSL that writes, beside bpftrace on SSL_write with its return. The worker talks
// to itself in memory: nothing but the library is measured.
#include <openssl/ssl.h>

#include <cstring>
#include <ctime>

#include "agent/bpf/bpf_source.hpp"
#include "bench/tracing/native_traced.hpp"
#include "bench/tracing/rows.hpp"

namespace autotune::bench {
namespace {

constexpr int kCalls = 50'000;
constexpr int kPieces = 20;

double now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// Without certificates: keys that nobody vouches for.
SSL* made(const SSL_METHOD* method) {
    SSL_CTX* context = SSL_CTX_new(method);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    return SSL_CTX_set_cipher_list(context, "AECDH-AES128-SHA:@SECLEVEL=0") == 1 ? SSL_new(context) : nullptr;
}

int work(const char* answer) {
    wait_for_go();
    SSL* client = made(TLS_client_method());
    SSL* server = made(TLS_server_method());
    BIO *near = nullptr, *far = nullptr;
    if (client == nullptr || server == nullptr || BIO_new_bio_pair(&near, 1 << 16, &far, 1 << 16) != 1) return 1;
    SSL_set_bio(client, near, near);
    SSL_set_bio(server, far, far);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int turn = 0; turn < 8; ++turn) SSL_do_handshake(turn % 2 == 0 ? client : server);
    if (SSL_is_init_finished(client) != 1) return 1;
    SSL_set0_wbio(client, BIO_new(BIO_s_null()));
    std::vector<double> pieces;
    for (int piece = 0; piece < kPieces; ++piece) {
        const double start = now_ns();
        for (int i = 0; i < kCalls / kPieces; ++i)
            if (SSL_write(client, "sixteen letters.", 16) != 16) return 1;
        pieces.push_back((now_ns() - start) / (kCalls / kPieces));
    }
    std::ofstream(answer) << median(pieces) << '\n';
    return 0;
}

class Measured {
public:
    double plain() {
        Worker w({"/proc/self/exe", "--work", answer_.path()});
        w.go();
        w.answer();
        return number();
    }
    double ours() {
        Worker w({"/proc/self/exe", "--work", answer_.path()});
        auto source = make_bpf_source();
        if (!source || !(*source)->focus({.processes = {w.pid()}}) || !(*source)->start()) return 0;
        w.go();
        EventBatch batch;
        for (;;) {
            const auto polled = (*source)->poll(std::chrono::milliseconds(100), batch);
            batch.events.clear();
            if (!polled || polled->state == PollState::ended) break;
        }
        w.answer();
        return number();
    }
    double bpftrace() {
        char self[4096] = {};
        if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 0;
        const std::string place = std::string(self) + " --work " + answer_.path();
        Worker w({"bpftrace", "-c", place, "-e",
                  "uprobe:libssl:SSL_write { @s[tid] = nsecs } uretprobe:libssl:SSL_write { @n = sum(retval); "
                  "delete(@s[tid]) }"});
        w.go();
        w.answer();
        return number();
    }

private:
    double number() {
        const std::vector<double> said = take_numbers(answer_.path());
        return said.empty() ? 0 : said.front();
    }
    AnswerFile answer_;
};

int measure() {
    Measured measured;
    std::vector<double> we, peer;
    for (int round = 0; round < kRounds; ++round) {
        const double without = measured.plain();
        const double with = measured.ours(), theirs = measured.bpftrace();
        if (without <= 0 || with <= 0) return 1;
        we.push_back(with - without);
        if (theirs > 0) peer.push_back(theirs - without);
    }
    const double theirs = median(peer);
    const bool kept = print({.name = "tls_write",
                             .bar = peer.empty() ? 3000 : theirs,
                             .ours = median(we),
                             .peer = peer.empty() ? std::nullopt : std::optional(theirs),
                             .says = "ns added to a call that writes; peer: bpftrace on SSL_write and its return"});
    return kept ? 0 : 3;
}

}  // namespace
}  // namespace autotune::bench

int main(int argc, char** argv) {
    using namespace autotune::bench;
    return argc == 3 && std::strcmp(argv[1], "--work") == 0 ? work(argv[2]) : measure();
}
