/* What a call through the door costs: nanoseconds, the least of several rounds. Not under valgrind. */

#define _POSIX_C_SOURCE 199309L

#include "check.h"

#include <time.h>

enum { CALLS = 1000000, ROUNDS = 9, KEYS = 1000 };

static oyez_set *few, *many;
static size_t sum;

static double now_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void ask_version(void)
{
    sum += oyez_abi_version();
}

static void ask_len(void)
{
    size_t len;
    OK(oyez_set_len(few, &len));
    sum += len;
}

static void ask_rank(void)
{
    size_t rank;
    OK(oyez_set_rank(few, 7, &rank));
    sum += rank;
}

static void slice(void)
{
    static uint64_t keys[KEYS];
    size_t written;
    OK(oyez_set_slice(many, 0, KEYS, keys, KEYS, &written, NULL));
    sum += written;
}

/* The least that one of `units` costs, of which each call has so many. */
static void measure(const char *name, void (*call)(void), int calls, int units)
{
    double least = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns(), each;
        for (int times = 0; times < calls; times++) {
            call();
        }
        each = (now_ns() - start) / calls / units;
        least = each < least ? each : least;
    }
    printf("cost %-36s %5.1f ns\n", name, least);
}

static oyez_set *set_of(uint64_t keys)
{
    oyez_set *set;
    OK(oyez_set_new(&set));
    for (uint64_t key = 0; key < keys; key++) {
        OK(oyez_set_insert(set, key, NULL));
    }
    return set;
}

int main(void)
{
    few = set_of(16);
    many = set_of(KEYS);
    measure("oyez_abi_version", ask_version, CALLS, 1);
    measure("oyez_set_len", ask_len, CALLS, 1);
    measure("oyez_set_rank, of 16 keys", ask_rank, CALLS, 1);
    measure("oyez_set_slice, of 1,000 keys, a key", slice, CALLS / KEYS, KEYS);
    CHECK(sum == (size_t)ROUNDS * CALLS * (1 + 16 + 7 + 1));
    oyez_set_free(few);
    oyez_set_free(many);
    return 0;
}
