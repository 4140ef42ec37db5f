/* Planted: a set that is never freed. Who does not see it sees nothing. */

#include "check.h"

int main(void)
{
    oyez_set *set;
    OK(oyez_set_new(&set));
    OK(oyez_set_insert(set, 7, NULL));
    set = NULL;
    return set != NULL;
}
