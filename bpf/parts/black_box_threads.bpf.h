/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Black box: where the running thread is: its registers, the top of its stack, its Python frames, and what names and
 * lines of those are made of. The agent walks the stack afterwards, with the files' own tables: it has the time.
 */
#ifndef AUTOTUNE_BPF_PARTS_BLACK_BOX_THREADS_BPF_H
#define AUTOTUNE_BPF_PARTS_BLACK_BOX_THREADS_BPF_H

struct at_box_code_key {
    __u64 code;
    __u64 identity;
    __u64 start_ns;
    __u32 pid;
    __u32 reserved;
};

/* Code objects that were told already. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct at_box_code_key);
    __type(value, __u8);
} box_codes SEC(".maps");

/* The whole object, or as much as surely is on its page; how much. */
AT_INLINE __u32 at_box_read_object(void* to, __u64 address) {
    if (!address) return 0;
    if (!bpf_probe_read_user(to, AT_BOX_TEXT_OBJECT, (const void*)address)) return AT_BOX_TEXT_OBJECT;
    /* Objects of CPython begin at multiples of 16. */
    if (!bpf_probe_read_user(to, 128, (const void*)address)) return 128;
    return bpf_probe_read_user(to, 64, (const void*)address) ? 0 : 64;
}

static long at_box_tell_code(__u32 i, void* unused) {
    struct at_box_scratch* scratch = at_box_scratch();
    if (!scratch || i >= scratch->python.count || i >= AT_MAX_PYTHON_FRAMES) return 1;
    struct at_box_thread* thread = &scratch->thread;
    struct at_box_code* code = &scratch->code;
    __u32 n = i;
    AT_WALK_FORGET(n);
    const struct at_python_frame* frame = &thread->python[n & (AT_MAX_PYTHON_FRAMES - 1)];
    __u32 pid = thread->head.pid;
    const struct at_box_python* python = bpf_map_lookup_elem(&box_pythons, &pid);
    if (!python) return 1;
    const __u64 code_at = frame->code & ~AT_PYTHON_ENTRY;
    struct at_box_code_key key = {
        .code = code_at, .identity = frame->identity, .start_ns = thread->head.start_ns, .pid = pid};
    const __u8 told = 1;
    if (bpf_map_update_elem(&box_codes, &key, &told, BPF_NOEXIST)) return 0;
    code->head = thread->head;
    code->head.record = AT_BOX_CODE;
    code->code_at = code_at;
    if (bpf_probe_read_user(code->code, sizeof code->code, (const void*)code_at)) {
        at_box_count(AT_BOX_UNREADABLE);
        return 0;
    }
    code->name_at = at_python_word(code_at + python->name);
    code->file_at = at_python_word(code_at + python->file);
    code->table_at = at_python_word(code_at + python->table);
    code->name_size = at_box_read_object(code->name, code->name_at);
    code->file_size = at_box_read_object(code->file, code->file_at);
    if (!code->name_size || !code->file_size) at_box_count(AT_BOX_UNREADABLE);
    /* A bytes object: its length, then a hash, then that many bytes. */
    const __u64 whole = code->table_at ? at_python_word(code->table_at + 16) + 32 : 0;
    __u32 size = whole < AT_BOX_LINE_TABLE ? whole : AT_BOX_LINE_TABLE - 1;
    AT_WALK_FORGET(size);
    size &= AT_BOX_LINE_TABLE - 1;
    if (bpf_probe_read_user(code->table, size, (const void*)code->table_at)) size = 0;
    code->table_size = size;
    at_box_tell(code, offsetof(struct at_box_code, table) + size);
    return 0;
}

static long at_box_python_turn(__u32 i, void* unused) {
    struct at_box_scratch* scratch = at_box_scratch();
    if (!scratch) return 1;
    struct at_box_thread* thread = &scratch->thread;
    __u32 pid = thread->head.pid;
    const struct at_box_python* python = bpf_map_lookup_elem(&box_pythons, &pid);
    if (!python) return 1;
    const int result = at_python_turn(&python->process.offsets, thread->python, &scratch->python);
    if (result == AT_PYTHON_GOES_ON) return 0;
    thread->python_result = result;
    return 1;
}

AT_INLINE void at_box_walk_python(struct task_struct* task, struct at_box_scratch* scratch) {
    struct at_box_thread* thread = &scratch->thread;
    scratch->python.count = 0;
    thread->python_result = AT_PYTHON_NONE;
    __u32 pid = thread->head.pid;
    const struct at_box_python* python = bpf_map_lookup_elem(&box_pythons, &pid);
    if (!python) return;
    at_python_begin(&python->process, task->thread.fsbase, &scratch->python);
    thread->python_result = AT_PYTHON_CUT;
    bpf_loop(AT_MAX_PYTHON_TURNS, at_box_python_turn, 0, 0);
}

static long at_box_copy_page(__u32 i, void* unused) {
    struct at_box_scratch* scratch = at_box_scratch();
    if (!scratch || i >= AT_BOX_STACK_PAGES) return 1;
    struct at_box_thread* thread = &scratch->thread;
    const void* from = (const void*)(thread->stack_base + i * AT_BOX_PAGE);
    if (bpf_probe_read_user(&thread->stack[i * AT_BOX_PAGE], AT_BOX_PAGE, from)) return 1;
    thread->stack_pages = i + 1;
    return 0;
}

AT_INLINE void at_box_tell_thread(struct task_struct* task, struct at_box_scratch* scratch) {
    struct at_box_thread* thread = &scratch->thread;
    at_box_fill_head(&thread->head, AT_BOX_THREAD, task);
    const struct pt_regs* saved = (void*)bpf_task_pt_regs(task);
    thread->registers.ip = BPF_CORE_READ(saved, ip);
    thread->registers.sp = BPF_CORE_READ(saved, sp);
    thread->registers.bp = BPF_CORE_READ(saved, bp);
    thread->registers.call = (long)BPF_CORE_READ(saved, orig_ax);
    thread->registers.arguments[0] = BPF_CORE_READ(saved, di);
    thread->registers.arguments[1] = BPF_CORE_READ(saved, si);
    thread->registers.arguments[2] = BPF_CORE_READ(saved, dx);
    thread->registers.arguments[3] = BPF_CORE_READ(saved, r10);
    thread->registers.arguments[4] = BPF_CORE_READ(saved, r8);
    thread->registers.arguments[5] = BPF_CORE_READ(saved, r9);
    thread->stack_base = thread->registers.sp & ~(__u64)(AT_BOX_PAGE - 1);
    thread->stack_pages = 0;
    bpf_loop(AT_BOX_STACK_PAGES, at_box_copy_page, 0, 0);

    at_box_walk_python(task, scratch);
    thread->python_count = scratch->python.count;
    thread->reserved = 0;
    if (thread->python_count) bpf_loop(AT_MAX_PYTHON_FRAMES, at_box_tell_code, 0, 0);
    __u32 pages = thread->stack_pages;
    if (pages > AT_BOX_STACK_PAGES) pages = AT_BOX_STACK_PAGES;
    at_box_tell(thread, offsetof(struct at_box_thread, stack) + pages * AT_BOX_PAGE);
}

#endif
