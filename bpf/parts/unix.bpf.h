/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Unix sockets: what they are called, by the kernel's own word; what is done on one that has a name. */
#ifndef AUTOTUNE_BPF_PARTS_UNIX_BPF_H
#define AUTOTUNE_BPF_PARTS_UNIX_BPF_H

#define AT_UNIX_NAME_SIZE 108

struct at_unix_name {
    const void* at; /* behind the family */
    __u32 size;     /* 0: no name */
    __u32 is_user;  /* the memory is the program's */
};

/* The name in a struct sockaddr_un of the program's; `size` is the whole structure's. */
AT_INLINE struct at_unix_name at_unix_name_in(const void* address, __u32 size) {
    struct at_unix_name name = {.is_user = 1};
    if (!address || size <= 2) return name;
    name.at = address + 2;
    name.size = size - 2;
    return name;
}

AT_INLINE struct at_unix_name at_unix_name_of(const struct sock* sk) {
    struct at_unix_name name = {};
    if (!sk || !bpf_core_field_exists(struct unix_sock, addr)) return name;
    const struct unix_address* address = BPF_CORE_READ((const struct unix_sock*)sk, addr);
    if (!address) return name;
    const int size = AT_READ(struct unix_address, address, len);
    if (size <= 2) return name;
    name.at = (const void*)address + bpf_core_field_offset(struct unix_address, name) +
              bpf_core_field_offset(struct sockaddr_un, sun_path);
    name.size = size - 2;
    return name;
}

/*
 * What a socket is known by. An accepted one shares its listener's name, a client has none and talks to one
 * that has; a datagram socket may have a name only so that it can be answered.
 */
AT_INLINE struct at_unix_name at_unix_name_known(const struct sock* sk) {
    struct at_unix_name none = {};
    if (!sk || !bpf_core_field_exists(struct unix_sock, peer)) return none;
    const struct sock* peer = AT_READ(struct unix_sock, sk, peer);
    const int other_first = AT_READ(struct sock, sk, sk_type) == AT_SOCK_DGRAM;
    const struct at_unix_name first = at_unix_name_of(other_first ? peer : sk);
    return first.size ? first : at_unix_name_of(other_first ? sk : peer);
}

/* `done`: what was done on it, but for the kind and size of the record. */
AT_APART int at_tell_on_unix(const struct at_io_record* done, __u64 sk, __u64 address, __u32 size) {
    if (!done) return 0;
    struct at_unix_name name = at_unix_name_in((const void*)address, size);
    if (!name.size) name = at_unix_name_known((const struct sock*)sk);
    if (!name.size) {
        struct at_io_record* r = at_reserve(AT_IO, sizeof *r);
        if (!r) return 0;
        *r = *done;
        at_submit(r);
        return 0;
    }
    struct at_io_path_record* r = at_reserve(AT_IO_PATH, sizeof *r);
    if (!r) return 0;
    r->io = *done;
    r->io.header.kind = AT_IO_PATH;
    r->io.header.size = sizeof *r;
    r->path[0] = 0;
    __u32 n = name.size < AT_UNIX_NAME_SIZE ? name.size : AT_UNIX_NAME_SIZE;
    barrier_var(n);
    if (n > AT_UNIX_NAME_SIZE) n = AT_UNIX_NAME_SIZE;
    if (name.is_user ? bpf_probe_read_user(r->path, n, name.at) : bpf_probe_read_kernel(r->path, n, name.at))
        at_count_read_failed();
    r->path[n] = 0;
    if (!r->path[0]) r->path[0] = '@'; /* the abstract namespace */
    at_submit(r);
    return 0;
}

#endif
