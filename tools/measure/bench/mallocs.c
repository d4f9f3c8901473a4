/* LD_PRELOAD: tells at the end of a process how many bytes it had from malloc at most. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static size_t now, most;

static void *taken(void *block) {
    now += block ? malloc_usable_size(block) : 0;
    if (now > most) most = now;
    return block;
}

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), __libc_free(void *);
extern void *__libc_realloc(void *, size_t);

void *malloc(size_t size) { return taken(__libc_malloc(size)); }
void *calloc(size_t n, size_t size) { return taken(__libc_calloc(n, size)); }

void *realloc(void *block, size_t size) {
    now -= block ? malloc_usable_size(block) : 0;
    return taken(__libc_realloc(block, size));
}

void free(void *block) {
    now -= block ? malloc_usable_size(block) : 0;
    __libc_free(block);
}

__attribute__((destructor)) static void tell(void) { fprintf(stderr, "mallocs %zu\n", most); }
