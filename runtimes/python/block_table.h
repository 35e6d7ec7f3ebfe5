/* block_table: of each block that has not been given back, how large it is and where it was handed out.
 *
 * Open addressing, at most half full; 16 bytes an entry. Blocks that lie within 256 bytes lie side by side in it as well. Its
 * memory is the kernel's, and is not there in a forked child. Not thread-safe.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_BLOCK_TABLE_H
#define AUTOTUNE_RUNTIMES_PYTHON_BLOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct at_block {
    size_t bytes;   /* below AT_BLOCK_LARGEST */
    uint32_t place; /* below 2^24 */
};
#define AT_BLOCK_LARGEST (1ull << 40)
#define AT_BLOCKS_MOST (1ull << 23) /* 8 million at a time: 256 MiB */

struct at_block_entry {
    uint64_t address; /* 0: free */
    uint64_t bytes_place;
};
struct at_block_table { /* all zero: not made */
    struct at_block_entry *entries;
    uint64_t mask;
    uint64_t used;
};

bool at_blocks_make(struct at_block_table *table);
void at_blocks_forget(struct at_block_table *table);
/* Out of the table; {0, 0} when it was not there. */
struct at_block at_blocks_take(struct at_block_table *table, uintptr_t address);
/* In place of `was`, which is {0, 0} when the address was not there. False: no room. */
bool at_blocks_put(struct at_block_table *table, uintptr_t address, struct at_block block, struct at_block *was);

#endif
