/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/engine.h"

#include <string.h>

#include <srtp2/srtp.h>

#include "rtpsec/aes.h"
#ifdef WITH_IPSEC_MB
#include "rtpsec/ipsec_mb_lanes.h"

static struct rtpsec_choice ipsec_mb(const char *why)
{
    if (ipsec_mb_library() == NULL)
        return (struct rtpsec_choice){NULL, "ipsec-mb needs a CPU with AES-NI and AVX2"};
    return (struct rtpsec_choice){&rtpsec_engine_ipsec_mb, why};
}
#else
static struct rtpsec_choice ipsec_mb(const char *why)
{
    (void)why;
    return (struct rtpsec_choice){NULL, "built without libipsec-mb"};
}
#endif

struct rtpsec_choice rtpsec_engine_choose(const char *name)
{
    static const char configured[] = "as configured";
    if (name == NULL || name[0] == '\0' || strcmp(name, "auto") == 0) {
        struct rtpsec_choice best = ipsec_mb("the fastest on this CPU");
        return best.engine != NULL ? best
                                   : (struct rtpsec_choice){&rtpsec_engine_openssl, best.why};
    }
    if (strcmp(name, "ipsec-mb") == 0)
        return ipsec_mb(configured);
    if (strcmp(name, rtpsec_engine_openssl.name) == 0)
        return (struct rtpsec_choice){&rtpsec_engine_openssl, configured};
    if (strcmp(name, rtpsec_engine_libsrtp2.name) == 0)
        return (struct rtpsec_choice){&rtpsec_engine_libsrtp2, configured};
    return (struct rtpsec_choice){NULL, "no engine has this name"};
}

static bool has_libsrtp2;

bool rtpsec_init(void)
{
    has_libsrtp2 = srtp_init() == srtp_err_status_ok;
    return has_libsrtp2;
}

void rtpsec_done(void)
{
#ifdef WITH_IPSEC_MB
    ipsec_mb_done();
#endif
    rtpsec_aes_done();
    if (has_libsrtp2)
        srtp_shutdown();
    has_libsrtp2 = false;
}
