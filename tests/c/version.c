/* Versions and the words of statuses. */

#include "check.h"

static void the_library_is_of_the_version_of_the_header(void)
{
    char text[32];
    CHECK(oyez_version_number() == OYEZ_VERSION_NUMBER);
    CHECK(OYEZ_VERSION_NUMBER ==
          OYEZ_VERSION_MAJOR * 1000000 + OYEZ_VERSION_MINOR * 1000 + OYEZ_VERSION_PATCH);
    CHECK(oyez_abi_version() == OYEZ_ABI_VERSION);
    snprintf(text, sizeof text, "%d.%d.%d", OYEZ_VERSION_MAJOR, OYEZ_VERSION_MINOR, OYEZ_VERSION_PATCH);
    CHECK(strcmp(oyez_version_string(), text) == 0);
}

static void every_status_has_words_of_its_own(void)
{
    for (oyez_status one = OYEZ_OK; one >= OYEZ_FAILED; one--) {
        CHECK(strcmp(oyez_status_str(one), oyez_status_str(12345)) != 0);
        for (oyez_status other = OYEZ_FAILED; other < one; other++) {
            CHECK(strcmp(oyez_status_str(one), oyez_status_str(other)) != 0);
        }
    }
}

static void any_number_may_be_asked_for(void)
{
    CHECK(strcmp(oyez_status_str(INT32_MIN), oyez_status_str(INT32_MAX)) == 0);
    CHECK(strcmp(oyez_status_str(OYEZ_FAILED - 1), oyez_status_str(1)) == 0);
}

int main(void)
{
    TEST(the_library_is_of_the_version_of_the_header);
    TEST(every_status_has_words_of_its_own);
    TEST(any_number_may_be_asked_for);
    return 0;
}
