/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that came from another process, or went to one. */
#include "daemon/metrics_sources.h"

static void put_refused(const struct sessions_records *records, struct str *out)
{
    struct metric m = metric_begin(
        out, METRIC_COUNTER, "mediaferry_records_refused", "records of calls not taken, by reason");
    for (size_t i = 0; i < SESSION_REFUSAL_COUNT; i++) {
        const char *word = session_refusal_word((enum session_refusal)i);
        metric_add(
            &m, records->refused[i], 1, (struct metric_label[]){{"reason", text_from(word)}});
    }
}

void metrics_records(const struct metrics_sources *from, struct str *out)
{
    struct sessions_records records = sessions_records(from->sessions);
    metric_put(out, METRIC_COUNTER, "mediaferry_records_saved", "calls saved for another process",
        records.saved);
    metric_put(out, METRIC_COUNTER, "mediaferry_records_lost", "calls that could not be saved",
        records.lost);
    metric_put(out, METRIC_COUNTER, "mediaferry_records_restored",
        "calls taken over from another process", records.restored);
    put_refused(&records, out);
}
