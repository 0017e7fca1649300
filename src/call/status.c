/* SPDX-License-Identifier: Apache-2.0 */
#include "call/call.h"

#include <stdlib.h>

const char *call_status_text(enum call_status status)
{
    switch (status) {
    case CALL_OK:
        return "ok";
    case CALL_NO_SDP:
        return "No SDP body in message";
    case CALL_SDP_INVALID:
        return "Failed to parse SDP";
    case CALL_SDP_INCOMPLETE:
        return "Incomplete SDP specification";
    case CALL_UNKNOWN:
        return "Unknown call-id";
    case CALL_BAD_DIALOG:
        return "Invalid dialogue association";
    case CALL_NO_PORTS:
    case CALL_BIND_FAILED: /* these words make a proxy try the next node; `why` tells the two apart
                            */
        return "Ran out of ports";
    case CALL_NO_MATCH:
        return "Call-ID not found or tags didn't match";
    case CALL_REWRITE_FAILED:
        return "Error rewriting SDP";
    case CALL_TOO_LARGE:
        return "Too many parties or media sections";
    case CALL_OUT_OF_MEMORY:
        return "Out of memory";
    default:
        abort();
    }
}
