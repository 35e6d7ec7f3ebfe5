/* OpenSSL inside the program itself: for each line of input that is a path, a HEAD request for it to a port of the
 * loopback, over TLS; then says "done". usage: static_tls_client PORT */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(SSL_CTX* context, int port, const char* path) {
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr*)&to, sizeof to) != 0) return -1;
    SSL* tls = SSL_new(context);
    char text[4096];
    const int size = snprintf(text, sizeof text, "HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    if (!tls || !SSL_set_fd(tls, fd) || SSL_connect(tls) != 1 || SSL_write(tls, text, size) != size) return -1;
    while (SSL_read(tls, text, sizeof text) > 0) continue;
    SSL_free(tls);
    close(fd);
    return 0;
}

int main(int argc, char** argv) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    char line[1024];
    while (argc == 2 && context && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (ask(context, atoi(argv[1]), line) != 0) return 1;
        puts("done");
        fflush(stdout);
    }
    return 0;
}
