/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Black box: what the running process has open, with names. */
#ifndef AUTOTUNE_BPF_PARTS_BLACK_BOX_FILES_BPF_H
#define AUTOTUNE_BPF_PARTS_BLACK_BOX_FILES_BPF_H

#define AT_S_IFMT 0170000
#define AT_S_IFSOCK 0140000

AT_INLINE void at_box_socket(const struct sock* sk, struct at_box_file* to) {
    const unsigned short family = BPF_CORE_READ(sk, __sk_common.skc_family);
    to->local.family = to->peer.family = family;
    to->state = BPF_CORE_READ(sk, __sk_common.skc_state);
    to->type = BPF_CORE_READ(sk, sk_type);
    if (family != 2 && family != 10) return;
    to->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
    to->peer.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
    if (family == 2) {
        BPF_CORE_READ_INTO((__be32*)to->local.address, sk, __sk_common.skc_rcv_saddr);
        BPF_CORE_READ_INTO((__be32*)to->peer.address, sk, __sk_common.skc_daddr);
    } else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
        bpf_core_read(to->local.address, sizeof to->local.address, &sk->__sk_common.skc_v6_rcv_saddr);
        bpf_core_read(to->peer.address, sizeof to->peer.address, &sk->__sk_common.skc_v6_daddr);
    }
}

static long at_box_file(__u32 fd, void* unused) {
    struct at_box_scratch* scratch = at_box_scratch();
    if (!scratch) return 1;
    struct at_box_files* files = &scratch->files;
    struct task_struct* task = (void*)bpf_get_current_task();
    struct fdtable* table = BPF_CORE_READ(task, files, fdt);
    if (fd >= BPF_CORE_READ(table, max_fds)) return 1;
    struct file** slots = BPF_CORE_READ(table, fd);
    struct file* file = 0;
    bpf_probe_read_kernel(&file, sizeof file, slots + fd);
    if (!file) return 0;
    const __u32 n = files->count;
    if (n >= AT_BOX_FILES) {
        ++files->more;
        return 0;
    }
    struct at_box_file* to = &files->files[n & (AT_BOX_FILES - 1)];
    files->count = n + 1;
    __builtin_memset(to, 0, offsetof(struct at_box_file, path) + 1);
    const struct inode* inode = BPF_CORE_READ(file, f_inode);
    to->fd = fd;
    to->flags = BPF_CORE_READ(file, f_flags);
    to->position = BPF_CORE_READ(file, f_pos);
    to->inode = BPF_CORE_READ(inode, i_ino);
    to->device = BPF_CORE_READ(inode, i_sb, s_dev);
    to->mode = BPF_CORE_READ(inode, i_mode);
    if ((to->mode & AT_S_IFMT) == AT_S_IFSOCK) {
        const struct socket* socket = BPF_CORE_READ(file, private_data);
        at_box_socket(BPF_CORE_READ(socket, sk), to);
    } else {
        at_box_path(file, to->path);
    }
    return 0;
}

AT_INLINE void at_box_tell_files(struct task_struct* task, struct at_box_scratch* scratch) {
    at_box_fill_head(&scratch->files.head, AT_BOX_OPEN_FILES, task);
    scratch->files.count = scratch->files.more = 0;
    bpf_loop(AT_BOX_DESCRIPTORS, at_box_file, 0, 0);
    __u32 count = scratch->files.count;
    if (count > AT_BOX_FILES) count = AT_BOX_FILES;
    at_box_tell(&scratch->files, offsetof(struct at_box_files, files) + count * sizeof(struct at_box_file));
}

#endif
