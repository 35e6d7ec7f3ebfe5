// A native function on the Lambda Runtime API that dies as it is told: {"how": "spin" | "wait" | "grow"}. The lines that
// black_box.py looks for are marked.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int api;
static char message[8192];
static volatile unsigned long turns;

__attribute__((noinline)) static void spin(void) {
    for (;;) turns = turns * 3 + 1;  // culprit: spin
}

__attribute__((noinline)) static void wait_for_nobody(void) {
    int ends[2];
    char byte;
    if (pipe(ends) != 0) return;
    if (read(ends[0], &byte, 1) == 1) turns++;  // culprit: wait
}

__attribute__((noinline)) static void grow(size_t bytes) {
    volatile char* block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < bytes; i += 4096) block[i] = 1;  // culprit: grow
}

__attribute__((noinline)) static void handle(const char* event) {
    for (int i = 0; i < 40; ++i) {  // what is to be found among the last system calls
        char path[32];
        snprintf(path, sizeof path, "/black-box/%d", i);
        turns += access(path, R_OK) == 0;
    }
    if (strstr(event, "spin") != NULL) spin();
    if (strstr(event, "wait") != NULL) wait_for_nobody();
    if (strstr(event, "grow") != NULL) grow((size_t)1 << 30);
    turns++;
}

// Sends a request and reads its answer; returns the body.
static char* call(const char* request) {
    if (write(api, request, strlen(request)) < 0) exit(1);
    size_t size = 0, wanted = 0;
    char* body = NULL;
    while (body == NULL || size < wanted) {
        ssize_t n = read(api, message + size, sizeof message - 1 - size);
        if (n <= 0) exit(1);
        size += (size_t)n;
        message[size] = 0;
        if (body == NULL && (body = strstr(message, "\r\n\r\n")) != NULL) {
            body += 4;
            wanted = (size_t)(body - message) + strtoul(strcasestr(message, "content-length:") + 15, NULL, 10);
        }
    }
    return body;
}

int main(void) {
    char* address = strdup(getenv("AWS_LAMBDA_RUNTIME_API"));
    char* colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(colon + 1))};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    api = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(api, (struct sockaddr*)&to, sizeof to) != 0) return 1;
    for (;;) {
        char* body = call("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n");
        char id[64], request[512];
        sscanf(strcasestr(message, "lambda-runtime-aws-request-id:") + 30, " %63s", id);
        handle(body);
        snprintf(request, sizeof request,
                 "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", id);
        call(request);
    }
}
