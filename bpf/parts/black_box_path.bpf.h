/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Black box: what a file is called. */
#ifndef AUTOTUNE_BPF_PARTS_BLACK_BOX_PATH_BPF_H
#define AUTOTUNE_BPF_PARTS_BLACK_BOX_PATH_BPF_H

#define AT_BOX_COMPONENTS 14
#define AT_BOX_COMPONENT 64

/* Up from the file, and through the places where file systems are mounted. */
AT_INLINE void at_box_path(const struct file* file, char* path) {
    struct dentry* dentry = BPF_CORE_READ(file, f_path.dentry);
    struct vfsmount* vfs = BPF_CORE_READ(file, f_path.mnt);
    struct mount* mount = (void*)vfs - bpf_core_field_offset(struct mount, mnt);
    __u32 at = 0;
    for (int i = 0; i < AT_BOX_COMPONENTS; ++i) {
        struct dentry* parent = BPF_CORE_READ(dentry, d_parent);
        if (dentry == parent || dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
            struct mount* outer = BPF_CORE_READ(mount, mnt_parent);
            if (!outer || outer == mount) break;
            dentry = BPF_CORE_READ(mount, mnt_mountpoint);
            mount = outer;
            continue;
        }
        if (at > AT_BOX_PATH - AT_BOX_COMPONENT - 1) break;
        const long got =
            bpf_probe_read_kernel_str(path + at, AT_BOX_COMPONENT, BPF_CORE_READ(dentry, d_name.name));
        if (got <= 1) break;
        at += got & (AT_BOX_COMPONENT * 2 - 1);
        dentry = parent;
    }
    if (at < AT_BOX_PATH) path[at] = 0;
}

#endif
