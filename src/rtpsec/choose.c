/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/engine.h"

#include <string.h>

struct rtpsec_choice rtpsec_engine_choose(const char *name)
{
    if (name == NULL || name[0] == '\0' || strcmp(name, "auto") == 0)
        return (struct rtpsec_choice){&rtpsec_engine_libsrtp2, "no faster one was built"};
    if (strcmp(name, rtpsec_engine_libsrtp2.name) == 0)
        return (struct rtpsec_choice){&rtpsec_engine_libsrtp2, "as configured"};
    return (struct rtpsec_choice){NULL, "no engine has this name"};
}
