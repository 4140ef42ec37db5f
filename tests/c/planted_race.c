/* Planted: a set is asked by one thread and changed by another, with no lock. Who does not see it sees nothing. */

#include "check.h"

#include <pthread.h>

static oyez_set *set;

static void *ask(void *userdata)
{
    size_t len;
    (void)userdata;
    OK(oyez_set_len(set, &len));
    return NULL;
}

int main(void)
{
    pthread_t other;
    OK(oyez_set_new(&set));
    CHECK(pthread_create(&other, NULL, ask, NULL) == 0);
    OK(oyez_set_insert(set, 7, NULL));
    CHECK(pthread_join(other, NULL) == 0);
    oyez_set_free(set);
    return 0;
}
