/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Of invocations that end well one in at_told_one_in is told, when the budget asks for it; one that ends otherwise
 * (an error, a kill, a death) is told with its beginning, whatever was chosen for it. Chosen by chance when the
 * executor asks for work: what is counted then stands for so many (docs/decisions/0017). The first of each process
 * is told always (it is the cold one), and all of a process that has several under way at once.
 */
#ifndef AUTOTUNE_BPF_PARTS_UNTOLD_BPF_H
#define AUTOTUNE_BPF_PARTS_UNTOLD_BPF_H

volatile __u32 at_told_one_in = 1; /* set by the agent while we run */
volatile __u32 at_has_choices = 0; /* it was more than one, once: `choices` is not empty */

enum at_stage {
    AT_STAGE_IDLE = 0,
    AT_STAGE_ASKS,        /* GET …/next was told */
    AT_STAGE_RUNS,        /* its answer too */
    AT_STAGE_ASKS_UNTOLD, /* GET …/next was not told: `next` is what would have been */
    AT_STAGE_RUNS_UNTOLD, /* nor its answer: `answer` */
    AT_STAGE_ALWAYS_TOLD, /* it has several at once */
};

/* What is chosen for the invocation of a process, and what it takes to tell it after all. */
struct at_choice {
    __u32 stage; /* enum at_stage */
    __u32 fd;    /* connection of GET …/next */
    struct at_header next;
    struct at_endpoint peer;
    __u32 reserved;
    struct at_answer_part_record answer;
    char room[AT_HEAD_SIZE]; /* as far as the verifier thinks that we write; and for a look at a request */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AT_MAX_TRACKED);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u32); /* tgid */
    __type(value, struct at_choice);
} choices SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct at_choice);
} no_choice SEC(".maps");

#define AT_NEXT_LINE "GET /2018-06-01/runtime/invocation/next "
#define AT_STATUS_AT 9 /* "HTTP/1.1 200" */

/* What the chosen one did so far. */
AT_APART int at_tell_untold(struct at_choice* choice) {
    if (!choice) return 0;
    const __u32 stage = choice->stage;
    if (stage != AT_STAGE_ASKS_UNTOLD && stage != AT_STAGE_RUNS_UNTOLD) return 0;
    struct at_request_head_record* next = at_reserve(AT_REQUEST_HEAD, sizeof *next);
    if (next) {
        next->header = choice->next;
        __builtin_memset(&next->usage, 0, sizeof next->usage);
        next->peer = choice->peer;
        next->fd = choice->fd;
        next->reserved = 0;
        next->head_size = sizeof AT_NEXT_LINE - 1;
        __builtin_memcpy(next->head, AT_NEXT_LINE, sizeof AT_NEXT_LINE - 1);
        at_submit(next);
    }
    if (stage == AT_STAGE_RUNS_UNTOLD) {
        struct at_answer_part_record* answer = at_reserve(AT_ANSWER_PART, sizeof *answer);
        if (answer) {
            bpf_probe_read_kernel(answer, sizeof *answer, &choice->answer);
            at_submit(answer);
        }
    }
    choice->stage = stage == AT_STAGE_ASKS_UNTOLD ? AT_STAGE_ASKS : AT_STAGE_RUNS;
    return 0;
}

AT_INLINE struct at_choice* at_choice_of(__u32 tgid) {
    return at_has_choices ? bpf_map_lookup_elem(&choices, &tgid) : 0;
}

/* GET …/next is sent. How many the invocation will stand for; 0: it goes untold. */
AT_APART int at_choose(__u32 fd, __u64 scope, __u64 socket) {
    struct task_struct* task = bpf_get_current_task_btf();
    const __u32 one_in = at_told_one_in;
    if (one_in <= 1 && !at_has_choices) return 1;
    __u32 tgid = task->tgid, zero = 0;
    struct at_choice* choice = bpf_map_lookup_elem(&choices, &tgid);
    if (!choice) {
        const struct at_choice* none = bpf_map_lookup_elem(&no_choice, &zero);
        if (!none || one_in <= 1) return 1;
        at_has_choices = 1;
        if (bpf_map_update_elem(&choices, &tgid, none, BPF_ANY)) at_count_state_full();
        choice = bpf_map_lookup_elem(&choices, &tgid);
        if (!choice) return 1;
        choice->fd = fd;
        choice->stage = AT_STAGE_ASKS;
        return 1;
    }
    const __u32 stage = choice->stage;
    if (stage == AT_STAGE_ALWAYS_TOLD) return 1;
    const int asks_elsewhere =
        (stage == AT_STAGE_ASKS || stage == AT_STAGE_ASKS_UNTOLD) && choice->fd != fd;
    if (asks_elsewhere || stage == AT_STAGE_RUNS || stage == AT_STAGE_RUNS_UNTOLD) {
        at_tell_untold(choice);
        choice->stage = AT_STAGE_ALWAYS_TOLD;
        return 1;
    }
    choice->fd = fd;
    choice->stage = AT_STAGE_ASKS;
    if (one_in <= 1) return 1;
    if (!(bpf_get_prandom_u32() % one_in)) return one_in;
    at_fill_header(&choice->next, AT_REQUEST_HEAD, sizeof(struct at_request_head_record), task, scope);
    struct at_endpoint local;
    at_read_endpoints((const struct sock*)socket, &local, &choice->peer);
    choice->stage = AT_STAGE_ASKS_UNTOLD;
    return 0;
}

/* The first bytes of the answer were told: is it work? */
AT_INLINE void at_choice_answered(struct at_choice* choice, __u32 fd, const char* head) {
    if (!choice || choice->stage != AT_STAGE_ASKS || choice->fd != fd) return;
    choice->stage = head[AT_STATUS_AT] == '2' ? AT_STAGE_RUNS : AT_STAGE_IDLE;
}

/* Part of the answer has arrived; `offset`: where in it. True when it goes untold. */
AT_APART int at_keep_answer(__u32 offset, __u32 received) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = at_this_thread();
    struct at_choice* choice = at_choice_of(task->tgid);
    if (!thread || !choice || choice->fd != (__u32)thread->args[0]) return 0;
    struct at_answer_part_record* r = &choice->answer;
    if (!offset) {
        if (choice->stage != AT_STAGE_ASKS_UNTOLD) return 0;
        at_fill_header(&r->header, AT_ANSWER_PART, sizeof *r, task, thread->scope);
        /* Most are never told: what siblings have run of the slices that they are in is not worth the search. */
        at_read_usage_beside(task, thread->scope, &r->usage, 0);
        r->fd = thread->args[0];
        r->offset = r->received = r->part_size = 0;
        r->stands_for = 1; /* should it be told, then it is because it had to be */
    } else if (choice->stage != AT_STAGE_RUNS_UNTOLD) {
        return 0;
    }
    struct at_bytes bytes;
    if (!at_first_bytes(thread->call, thread->args[1], thread->args[2], &bytes)) at_count_read_failed();
    __u32 from = r->part_size, size = bytes.size < received ? bytes.size : received;
    barrier_var(from);
    if (from >= AT_HEAD_SIZE) return 1;
    if (size > AT_HEAD_SIZE - from) size = AT_HEAD_SIZE - from;
    barrier_var(size);
    if (size > AT_HEAD_SIZE) return 1;
    from &= AT_HEAD_SIZE - 1;
    if (size && bpf_probe_read_user(r->part + from, size, bytes.at)) at_count_read_failed();
    r->part_size = from + size;
    r->received += received;
    if (!offset) choice->stage = r->part[AT_STATUS_AT] == '2' ? AT_STAGE_RUNS_UNTOLD : AT_STAGE_IDLE;
    return 1;
}

#define AT_INVOCATION_AT 36 /* "POST /2018-06-01/runtime/invocation/" */
#define AT_LONGEST_ID 64

/* POST …/invocation/ID/response, and not /error? */
AT_INLINE int at_is_response(struct at_choice* choice, const struct at_heard* heard) {
    char* text = choice->room; /* the stack of Linux 6.1 has none */
    if (heard->begun) return 0; /* it came in pieces: rather told than looked for */
    const __u32 most = AT_INVOCATION_AT + AT_LONGEST_ID + 2;
    __u32 size = heard->bytes.size < most ? heard->bytes.size : most;
    barrier_var(size);
    if (size > most || bpf_probe_read_user(text, size, heard->bytes.at)) return 0;
    for (__u32 i = AT_INVOCATION_AT; i < AT_INVOCATION_AT + AT_LONGEST_ID; ++i)
        if (text[i] == '/') return i + 1 < size && text[i + 1] == 'r';
    return 0;
}

/* POST …/invocation/… is sent. True when it goes untold. */
AT_APART int at_ends_untold(const struct at_heard* heard) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_choice* choice = at_choice_of(task->tgid);
    if (!choice || !heard || choice->stage == AT_STAGE_ALWAYS_TOLD) return 0;
    const int is_untold = choice->stage == AT_STAGE_RUNS_UNTOLD && at_is_response(choice, heard);
    if (is_untold)
        at_count_shed();
    else
        at_tell_untold(choice);
    choice->stage = AT_STAGE_IDLE;
    return is_untold;
}

/* The process dies, or is about to. */
AT_INLINE void at_untold_dies(__u32 tgid) {
    struct at_choice* choice = at_choice_of(tgid);
    if (choice) at_tell_untold(choice);
}
AT_INLINE void at_forget_choice(__u32 tgid) {
    if (at_has_choices) bpf_map_delete_elem(&choices, &tgid);
}

#endif
