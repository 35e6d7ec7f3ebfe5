/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From a descriptor to what it is: file type, socket, addresses. */
#ifndef AUTOTUNE_BPF_PARTS_FILES_BPF_H
#define AUTOTUNE_BPF_PARTS_FILES_BPF_H

#define AT_AF_UNIX 1
#define AT_AF_INET 2
#define AT_AF_INET6 10
#define AT_SOCK_STREAM 1
#define AT_SOCK_DGRAM 2

AT_INLINE enum at_file at_file_type(unsigned short mode) {
    switch (mode & 0170000) {
        case 0140000: return AT_FILE_SOCKET;
        case 0100000:
        case 0040000:
        case 0060000:
        case 0020000: return AT_FILE_DATA;
        case 0010000: return AT_FILE_PIPE;
        default: return AT_FILE_OTHER;
    }
}

/* Null when the task has no such descriptor. */
AT_INLINE struct file* at_file_of(struct task_struct* task, __u64 fd) {
    struct fdtable* table = AT_FOLLOW(task)->files->fdt;
    if ((__u32)fd >= table->max_fds) return 0;
    struct file** slots = table->fd;
    struct file* file = 0;
    /* A slot is one pointer, as a list's head is: so it can be loaded. */
    if (at_has_casts)
        return (struct file*)AT_READ(struct hlist_head, slots + (__u32)fd, first);
    bpf_probe_read_kernel(&file, sizeof file, slots + (__u32)fd);
    return file;
}

AT_INLINE enum at_file at_type_of(struct file* file) {
    const struct inode* inode = AT_READ(struct file, file, f_inode);
    return at_file_type(AT_READ(struct inode, inode, i_mode));
}

/* What descriptor `fd` of the task is; its socket in *sk. Anything unreadable is AT_FILE_OTHER. */
AT_INLINE enum at_file at_look_up(struct task_struct* task, __u64 fd, struct sock** sk) {
    struct file* file = at_file_of(task, fd);
    if (!file) return AT_FILE_OTHER;
    const enum at_file type = at_type_of(file);
    if (type == AT_FILE_SOCKET) {
        const struct socket* socket = AT_READ(struct file, file, private_data);
        *sk = BPF_CORE_READ(socket, sk); /* a number to the verifier, so that it can be passed on */
    }
    return type;
}

/* The same, quicker. `sk` is in a map: what is read from there is a number to the verifier as well. */
AT_INLINE enum at_file at_look_up_into(struct task_struct* task, __u64 fd, struct sock* volatile* sk) {
    struct file* file = at_file_of(task, fd);
    if (!file) return AT_FILE_OTHER;
    const enum at_file type = at_type_of(file);
    if (type == AT_FILE_SOCKET) {
        const struct socket* socket = AT_READ(struct file, file, private_data);
        *sk = AT_READ(struct socket, socket, sk);
    }
    return type;
}

AT_INLINE int at_is_unix(const struct sock* sk) {
    return sk && AT_READ(struct sock, sk, __sk_common.skc_family) == AT_AF_UNIX;
}

AT_INLINE void at_read_endpoints(const struct sock* sk, struct at_endpoint* local, struct at_endpoint* peer) {
    __builtin_memset(local, 0, sizeof *local);
    __builtin_memset(peer, 0, sizeof *peer);
    if (!sk) return;
    const unsigned short family = AT_READ(struct sock, sk, __sk_common.skc_family);
    if (family == AT_AF_UNIX) local->family = peer->family = family;
    if (family != AT_AF_INET && family != AT_AF_INET6) return;
    local->port = AT_READ(struct sock, sk, __sk_common.skc_num);
    peer->port = bpf_ntohs(AT_READ(struct sock, sk, __sk_common.skc_dport));
    if (local->port) local->family = family;
    if (peer->port) peer->family = family;
    if (family == AT_AF_INET) {
        const __be32 here = AT_READ(struct sock, sk, __sk_common.skc_rcv_saddr);
        const __be32 there = AT_READ(struct sock, sk, __sk_common.skc_daddr);
        __builtin_memcpy(local->address, &here, sizeof here);
        __builtin_memcpy(peer->address, &there, sizeof there);
    } else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
        bpf_core_read(local->address, sizeof local->address, &sk->__sk_common.skc_v6_rcv_saddr);
        bpf_core_read(peer->address, sizeof peer->address, &sk->__sk_common.skc_v6_daddr);
    }
}

/* A struct sockaddr of the program's, if it holds an address. */
AT_INLINE void at_read_sockaddr(const void* user, struct at_endpoint* to) {
    struct {
        __u16 family;
        __be16 port;
        __be32 address; /* IPv6: the flow label */
        __u8 address6[16];
    } raw = {};
    if (!user) return;
    /* As much as the family has: a sockaddr_in may be the last thing on its page. */
    if (bpf_probe_read_user(&raw, 8, user)) return at_count_read_failed();
    if (raw.family == AT_AF_INET6 && bpf_probe_read_user(&raw, sizeof raw, user)) return at_count_read_failed();
    if (raw.family == AT_AF_UNIX) to->family = raw.family;
    if (raw.family != AT_AF_INET && raw.family != AT_AF_INET6) return;
    to->family = raw.family;
    to->port = bpf_ntohs(raw.port);
    if (raw.family == AT_AF_INET)
        __builtin_memcpy(to->address, &raw.address, sizeof raw.address);
    else
        __builtin_memcpy(to->address, raw.address6, sizeof raw.address6);
}

#endif
