/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/failure.h"

#include <errno.h>
#include <uv.h>

static const struct remedy {
    int error;
    const char *text;
} remedies[] = {
    {-EPERM, "CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF are needed"},
    {-EACCES, "CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF are needed"},
    {-ENOBUFS, "more RLIMIT_MEMLOCK or CAP_IPC_LOCK is needed"},
    {-EAFNOSUPPORT, "the kernel has no AF_XDP sockets"},
    {-ENOSYS, "the kernel has no BPF"},
};

int xdp_failure(struct str *why, int error, const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    str_add_string(why, "cannot ");
    str_vaddf(why, what, arguments);
    va_end(arguments);

    str_addf(why, ": %s", uv_strerror(error));
    for (size_t i = 0; i < COUNT_OF(remedies); i++)
        if (remedies[i].error == error)
            str_addf(why, " (%s)", remedies[i].text);
    return error;
}
