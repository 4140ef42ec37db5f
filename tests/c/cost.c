/* What one call through the door costs: nanoseconds, the least of several rounds. Not under valgrind. */

#define _POSIX_C_SOURCE 199309L

#include "check.h"

#include <time.h>

enum { CALLS = 1000000, ROUNDS = 9 };

static oyez_set *set;
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
    OK(oyez_set_len(set, &len));
    sum += len;
}

static void ask_rank(void)
{
    size_t rank;
    OK(oyez_set_rank(set, 7, &rank));
    sum += rank;
}

static void measure(const char *name, void (*call)(void))
{
    double least = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int times = 0; times < CALLS; times++) {
            call();
        }
        double each = (now_ns() - start) / CALLS;
        least = each < least ? each : least;
    }
    printf("cost %-26s %5.1f ns a call\n", name, least);
}

int main(void)
{
    OK(oyez_set_new(&set));
    for (uint64_t key = 0; key < 16; key++) {
        OK(oyez_set_insert(set, key, NULL));
    }
    measure("oyez_abi_version", ask_version);
    measure("oyez_set_len", ask_len);
    measure("oyez_set_rank, of 16 keys", ask_rank);
    CHECK(sum == (size_t)CALLS * ROUNDS * (1 + 16 + 7));
    oyez_set_free(set);
    return 0;
}
