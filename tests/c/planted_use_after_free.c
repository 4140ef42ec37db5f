/* Planted: a set is asked after it was freed, so that the library reads what is gone. Who does not see it sees nothing. */

#include "check.h"

int main(void)
{
    oyez_set *set;
    size_t len;
    OK(oyez_set_new(&set));
    oyez_set_free(set);
    printf("%d\n", (int)oyez_set_len(set, &len));
    return 0;
}
