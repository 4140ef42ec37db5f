/* Checks that stop the program, and tests with a name. */

#ifndef CHECK_H
#define CHECK_H

#include <oyez.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(fact)                                                           \
    do {                                                                      \
        if (!(fact)) {                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact); \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

/* The call answers this status. */
#define ANSWERS(expected, call)                                                                                \
    do {                                                                                                       \
        oyez_status answer_ = (call);                                                                          \
        if (answer_ != (expected)) {                                                                           \
            fprintf(stderr, "%s:%d: \"%s\" instead of \"%s\": %s\n", __FILE__, __LINE__, oyez_status_str(answer_), \
                    oyez_status_str(expected), #call);                                                         \
            exit(1);                                                                                           \
        }                                                                                                      \
    } while (0)

#define OK(call) ANSWERS(OYEZ_OK, call)

/* Runs a test and says its name; tests/run counts the lines. */
#define TEST(name)              \
    do {                        \
        name();                 \
        printf("test %s ok\n", #name); \
        fflush(stdout);         \
    } while (0)

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static inline oyez_query query_of(const uint64_t *topics, size_t count)
{
    oyez_query query = OYEZ_QUERY_INIT;
    query.topics = topics;
    query.topics_count = count;
    return query;
}

static inline oyez_event event_of(const char *text)
{
    oyez_event event = OYEZ_EVENT_INIT;
    event.payload = (const uint8_t *)text;
    event.payload_len = strlen(text);
    return event;
}

static inline int payload_is(const oyez_item *item, const char *text)
{
    return item->kind == OYEZ_ITEM_EVENT && item->payload_len == strlen(text) &&
           memcmp(item->payload, text, item->payload_len) == 0;
}

static inline int gap_is(const oyez_item *item, uint64_t first, uint64_t last, uint64_t missing)
{
    return item->kind == OYEZ_ITEM_GAP && item->sequence == first && item->last_sequence == last &&
           item->missing == missing;
}

#endif
