/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records of input and output: calls on descriptors, HTTP and TLS, trouble of sockets, names. By bpf/wire.h, which see. */
#ifndef AUTOTUNE_BPF_IO_WIRE_H
#define AUTOTUNE_BPF_IO_WIRE_H

#ifndef AUTOTUNE_BPF_WIRE_H
#error "include bpf/wire.h"
#endif

enum at_op {
    AT_OP_CONNECT = 1,
    AT_OP_ACCEPT,
    AT_OP_SEND,
    AT_OP_RECEIVE,
    AT_OP_OPEN,
    AT_OP_READ,
    AT_OP_WRITE,
    AT_OP_SYNC,
    AT_OP_CLOSE,
    AT_OP_LIST,
    AT_OP_MAKE_DIRECTORY,
    AT_OP_REMOVE,
    AT_OP_RENAME,
    AT_OP_LINK,
    AT_OP_RESIZE,
    AT_OP_MAP,
};

enum at_file { /* what the descriptor is */
    AT_FILE_OTHER = 0,
    AT_FILE_SOCKET,
    AT_FILE_DATA, /* regular file, directory, block or character device */
    AT_FILE_PIPE,
};

#define AT_IO_COMPLETED_LATER 1u /* a connect that had answered EINPROGRESS */
#define AT_IO_PATH_CUT 2u        /* the path is longer than AT_PATH_SIZE */
#define AT_IO_IN_HTTP 4u         /* an at_http_record tells of this transfer too */
#define AT_IO_LAST_CHUNK 8u      /* on a connection that speaks HTTP: ends as a body in chunks ends */
#define AT_IO_NEW_TLS 16u        /* the first that is told of a TLS connection */

struct at_io_record { /* header.at_ns: the end of the call */
    struct at_header header;
    __s64 result; /* bytes, descriptor, 0 or -errno */
    __u64 latency_ns;
    __u64 waited_ns; /* of the latency: before the call, for the descriptor to become ready */
    __s32 fd;
    __u8 op;   /* enum at_op */
    __u8 file; /* enum at_file */
    __u16 flags;
    struct at_endpoint local;
    struct at_endpoint peer;
};

struct at_io_path_record { /* what is done to a name; on a Unix socket that has one; on a descriptor not named yet */
    struct at_io_record io; /* a name: fd is the directory's (or AT_FDCWD); open: result is the new one */
    char path[AT_PATH_SIZE];
};

struct at_map_record { /* mmap of a file, msync */
    struct at_header header;
    __s64 result; /* 0 or -errno */
    __u64 latency_ns;
    __u64 address;
    __u64 bytes;
    __s32 fd; /* mmap */
    __u16 op; /* AT_OP_MAP, AT_OP_SYNC */
    __u16 is_new_code; /* a file that is mapped to be executed for the first time, as far as is remembered */
};

struct at_http_record { /* a transfer that may hold the head of a message; header.at_ns: its end */
    struct at_header header;
    __u64 latency_ns;
    __s64 moved; /* bytes */
    __s32 fd;
    __u8 op; /* AT_OP_SEND, AT_OP_RECEIVE */
    __u8 reserved;
    __u16 flags; /* AT_IO_LAST_CHUNK, AT_IO_NEW_TLS */
    __u32 size;  /* what of `text` is filled: the transfer's first bytes */
    __u32 reserved2;
    struct at_endpoint local;
    struct at_endpoint peer;
    __u64 tls; /* as in at_tls_record; 0: a system call's bytes */
    struct at_usage usage; /* when a request was received, or its answer sent, on a plain socket; else zeros */
    char text[AT_HTTP_SIZE];
};

struct at_tls_record { /* plain text that went through TLS on a connection that speaks HTTP, but no head of it */
    struct at_header header;
    __u64 latency_ns;
    __u64 moved; /* bytes of plain text */
    __u64 tls;   /* the connection's SSL object: unique in its process as long as it lives */
    __s32 fd;    /* -1: not known */
    __u8 op;     /* AT_OP_SEND, AT_OP_RECEIVE, AT_OP_CLOSE: the object is gone */
    __u8 reserved;
    __u16 flags; /* as in at_http_record */
    struct at_endpoint local;
    struct at_endpoint peer;
};

enum at_trouble { AT_RETRANSMIT, AT_RESET_SENT, AT_RESET_RECEIVED };

struct at_trouble_record { /* header: who connected or accepted; at_ns: now */
    struct at_header header;
    struct at_endpoint local;
    struct at_endpoint peer;
    __u32 trouble; /* enum at_trouble */
    __u32 reserved;
};

struct at_names_record { /* what a name server answered, cut if longer */
    struct at_header header;
    __u32 size;      /* what of `answer` is filled */
    __u32 is_stream; /* TCP: two bytes with the length may be before it */
    char answer[AT_NAMES_SIZE];
};

enum at_not_decoded { AT_NOT_IO_URING, AT_NOT_AIO, AT_NOT_32_BIT, AT_NOT_HTTP2 /* connections */ };

struct at_not_decoded_record {
    struct at_header header;
    __u64 count;
    __u32 what; /* enum at_not_decoded */
    __u32 reserved;
};

#endif
