#include "runtimes/python/block_table.h"

#include <sys/mman.h>

#include "runtimes/ring_system.h"

enum { FIRST = 1 << 14, PLACE_BITS = 24 };

static struct at_block_entry *pages(uint64_t entries) {
    struct at_block_entry *made = at_pages(entries * sizeof *made);
    if (made != NULL) at_syscall(SYS_madvise, (long)made, (long)(entries * sizeof *made), MADV_DONTFORK, 0, 0, 0);
    return made;
}

/* Where the search for an address begins: 256 bytes of addresses are 16 entries. */
static inline uint64_t home(const struct at_block_table *table, uint64_t address) {
    const uint64_t group = ((address >> 8) * 0x9e3779b97f4a7c15ull) >> 24;
    return (group << 4 | (address >> 4 & 15)) & table->mask;
}

bool at_blocks_make(struct at_block_table *table) {
    table->entries = pages(FIRST);
    table->mask = FIRST - 1;
    table->used = 0;
    return table->entries != NULL;
}

void at_blocks_forget(struct at_block_table *table) {
    if (table->entries != NULL)
        at_syscall(SYS_munmap, (long)table->entries, (long)((table->mask + 1) * sizeof *table->entries), 0, 0, 0, 0);
    *table = (struct at_block_table){0};
}

/* The entry with the address, or the free one where it belongs. */
static inline struct at_block_entry *look_up(const struct at_block_table *table, uint64_t address) {
    uint64_t i = home(table, address);
    while (table->entries[i].address != address && table->entries[i].address != 0) i = (i + 1) & table->mask;
    return &table->entries[i];
}

static inline struct at_block block_of(const struct at_block_entry *entry) {
    return (struct at_block){entry->bytes_place >> PLACE_BITS, (uint32_t)(entry->bytes_place & ((1u << PLACE_BITS) - 1))};
}

static __attribute__((noinline, cold)) bool grow(struct at_block_table *table) {
    if (table->used >= AT_BLOCKS_MOST) return false;
    struct at_block_table larger = {pages(2 * (table->mask + 1)), 2 * (table->mask + 1) - 1, table->used};
    if (larger.entries == NULL) return false;
    for (uint64_t i = 0; i <= table->mask; ++i)
        if (table->entries[i].address != 0) *look_up(&larger, table->entries[i].address) = table->entries[i];
    at_blocks_forget(table);
    *table = larger;
    return true;
}

bool at_blocks_put(struct at_block_table *table, uintptr_t address, struct at_block block, struct at_block *was) {
    struct at_block_entry *entry = look_up(table, address);
    *was = (struct at_block){0, 0};
    if (entry->address != 0) {
        *was = block_of(entry);
    } else {
        if (block.bytes >= AT_BLOCK_LARGEST) return false;
        if (table->used >= (table->mask + 1) / 2) {
            if (!grow(table)) return false;
            entry = look_up(table, address);
        }
        ++table->used;
    }
    *entry = (struct at_block_entry){address, (uint64_t)block.bytes << PLACE_BITS | block.place};
    return true;
}

/* What lies behind in the same run of entries moves up, unless that is before where its own search begins. */
static void close_gap(struct at_block_table *table, uint64_t gap) {
    for (uint64_t i = (gap + 1) & table->mask; table->entries[i].address != 0; i = (i + 1) & table->mask) {
        const uint64_t from_home = (i - home(table, table->entries[i].address)) & table->mask;
        if (from_home < ((i - gap) & table->mask)) continue;
        table->entries[gap] = table->entries[i];
        gap = i;
    }
    table->entries[gap].address = 0;
}

struct at_block at_blocks_take(struct at_block_table *table, uintptr_t address) {
    const struct at_block_entry *entry = look_up(table, address);
    if (entry->address == 0) return (struct at_block){0, 0};
    const struct at_block found = block_of(entry);
    close_gap(table, (uint64_t)(entry - table->entries));
    --table->used;
    return found;
}
