/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The kernel's structures as far as we read them. No vmlinux.h: it would need the BTF of the machine that
 * builds. Offsets are not these but the running kernel's (CO-RE); only names and types must be right, and
 * these have been so from 6.1 to 6.18.
 */
#ifndef AUTOTUNE_BPF_KERNEL_TYPES_H
#define AUTOTUNE_BPF_KERNEL_TYPES_H

#include <linux/types.h>

#include "bpf/kernel_registers.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    int counter;
} at_atomic_t; /* the kernel's atomic_t */

typedef struct {
    __s64 counter;
} at_atomic_long_t;

struct page_counter {
    at_atomic_long_t usage; /* pages */
    unsigned long watermark;
    unsigned long max;
    struct page_counter* parent;
};

struct cgroup;

struct cgroup_subsys_state {
    struct cgroup* cgroup;
    struct cgroup_subsys_state* parent;
};

struct mem_cgroup {
    struct cgroup_subsys_state css;
    struct page_counter memory;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup_root {
    int hierarchy_id; /* 0: cgroup v2 */
};

struct cgroup {
    struct cgroup_subsys_state self;
    struct kernfs_node* kn;
    struct cgroup_root* root;
};

enum cgroup_subsys_id {
    memory_cgrp_id, /* the value is the running kernel's */
};

struct css_set {
    struct cgroup_subsys_state* subsys[16];
    struct cgroup* dfl_cgrp;
};

struct super_block {
    __u32 s_dev;
};

struct inode {
    unsigned short i_mode;
    unsigned long i_ino;
    struct super_block* i_sb;
};

struct hlist_node {
    struct hlist_node* next;
};

struct hlist_head {
    struct hlist_node* first;
};

struct qstr {
    const unsigned char* name;
};

struct dentry {
    struct dentry* d_parent;
    struct qstr d_name;
};

struct vfsmount {
    struct dentry* mnt_root;
};

struct mount {
    struct mount* mnt_parent;
    struct dentry* mnt_mountpoint;
    struct vfsmount mnt;
};

struct path {
    struct vfsmount* mnt;
    struct dentry* dentry;
};

struct file {
    void* private_data;
    struct inode* f_inode;
    unsigned int f_mode;
    unsigned int f_flags;
    __s64 f_pos;
    struct path f_path;
    struct hlist_head* f_ep; /* what epolls watch it */
};

struct eventpoll;

struct epoll_event {
    __u64 data;
};

struct epitem {
    struct eventpoll* ep;
    struct hlist_node fllink; /* of file.f_ep */
    struct epoll_event event;
};

struct fdtable {
    unsigned int max_fds;
    struct file** fd;
    unsigned long* open_fds;
};

struct files_struct {
    struct fdtable* fdt;
};

struct in6_addr {
    __u8 bytes[16];
};

struct sock_common {
    __be32 skc_daddr;
    __be32 skc_rcv_saddr;
    __be16 skc_dport;
    __u16 skc_num;
    unsigned short skc_family;
    volatile unsigned char skc_state;
    struct in6_addr skc_v6_daddr;
    struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
    struct sock_common __sk_common;
    int sk_err;
    __u16 sk_type;
};

struct inet_sock {
    __be16 inet_sport;
};

struct sockaddr_un {
    char sun_path[108];
};

struct unix_address {
    int len; /* of the name, its family included */
    struct sockaddr_un name[0];
};

struct unix_sock {
    struct unix_address* addr;
    struct sock* peer;
};

struct socket {
    struct sock* sk;
};

struct percpu_counter {
    __s64 count; /* all but what its CPUs hold back */
};

/* Resident pages by kind: files, anonymous, swap entries, shared; up to 6.1, then from 6.2 on. */
struct mm_rss_stat {
    at_atomic_long_t count[4];
};
struct mm_struct___to_6_1 {
    struct mm_rss_stat rss_stat;
};
struct mm_struct___from_6_2 {
    struct percpu_counter rss_stat[4];
};

struct mm_struct {
    unsigned long env_start;
    unsigned long env_end;
    unsigned long start_code;
    unsigned long end_code;
    struct file* exe_file;
};

struct list_head {
    struct list_head* next;
};

struct signal_struct { /* sums: of threads that have ended */
    struct list_head thread_head;
    unsigned long min_flt;
    unsigned long maj_flt;
    unsigned long long sum_sched_runtime; /* ns */
    at_atomic_t live;
    int nr_threads;
    int group_exit_code;
};

struct sigaction {
    void* sa_handler;
};

struct k_sigaction {
    struct sigaction sa;
};

struct kernel_siginfo;

struct thread_struct {
    unsigned long fsbase; /* x86 */
};

struct thread_info {
    __u32 status; /* x86 */
    __u32 cpu;
};

struct sched_entity {
    __u64 sum_exec_runtime;      /* ns it ran */
    __u64 prev_sum_exec_runtime; /* … until it was put on the CPU */
};

struct task_struct;

struct rq {
    struct task_struct* curr;
    int cpu;
};

struct cfs_rq {
    struct rq* rq;
};

struct task_group {
    struct cfs_rq** cfs_rq; /* one a CPU; only with CONFIG_FAIR_GROUP_SCHED */
};

struct sched_info { /* empty without CONFIG_SCHED_INFO */
    unsigned long long run_delay; /* ns it waited for a CPU */
};

struct task_struct {
    struct thread_info thread_info;
    unsigned int __state;
    int on_cpu;
    unsigned in_iowait : 1;
    unsigned long nvcsw;
    unsigned long min_flt;
    unsigned long maj_flt;
    struct mm_struct* mm;
    struct sched_entity se;
    struct task_group* sched_task_group;
    struct sched_info sched_info;
    int exit_code;
    int pid;
    int tgid;
    struct task_struct* real_parent;
    struct task_struct* group_leader;
    __u64 start_boottime;
    char comm[16];
    struct files_struct* files;
    struct signal_struct* signal;
    struct css_set* cgroups;
    struct list_head thread_node;
    struct thread_struct thread;
};

struct linux_binprm {
    struct file* file;
    const char* filename;
};

struct seq_file;

struct bpf_iter_meta {
    struct seq_file* seq;
    __u64 session_id;
    __u64 seq_num;
};

struct bpf_iter__task_file {
    struct bpf_iter_meta* meta;
    struct task_struct* task;
    __u32 fd;
    struct file* file;
};

struct bpf_iter__task {
    struct bpf_iter_meta* meta;
    struct task_struct* task;
};

#pragma clang attribute pop

#endif
