/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Files that watched processes execute: the agent looks at each once, soon (the libraries that do TLS). */
#ifndef AUTOTUNE_BPF_PARTS_CODE_FILES_BPF_H
#define AUTOTUNE_BPF_PARTS_CODE_FILES_BPF_H

struct at_file_key {
    __u64 inode;
    __u64 device;
};

/* Who is pushed out is looked at again. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct at_file_key);
    __type(value, __u32);
} code_files SEC(".maps");

/* For the first time, as far as is remembered? */
AT_INLINE int at_is_new_code(struct file* file) {
    if (!file) return 0;
    struct inode* inode = AT_READ(struct file, file, f_inode);
    struct super_block* on = AT_READ(struct inode, inode, i_sb);
    const struct at_file_key key = {.inode = AT_READ(struct inode, inode, i_ino),
                                    .device = AT_READ(struct super_block, on, s_dev)};
    const __u32 seen = 1;
    return !bpf_map_update_elem(&code_files, &key, &seen, BPF_NOEXIST);
}

#endif
