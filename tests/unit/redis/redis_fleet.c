/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_fleet.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../fuzz/require.h"
#include "../net/pem.h"

static bool start_one(struct redis_fleet *fleet, size_t index)
{
    const char *directory = pem_path(".");
    struct redis_setup setup = {
        .directory = directory,
        .lines = fleet->lines[index],
        .is_sentinel = fleet->is_sentinel[index],
    };
    return redis_process_start_with(&fleet->list[index], &setup);
}

static bool add(struct redis_fleet *fleet, const char *password, uint16_t port, const char *lines)
{
    size_t index = fleet->count++;
    fleet->list[index] = (struct redis_process){.port = port, .password = password};
    fleet->lines[index] = lines;
    return start_one(fleet, index);
}

void fleet_restart(struct redis_fleet *fleet, size_t index)
{
    require(start_one(fleet, index));
}

void fleet_stop(struct redis_fleet *fleet)
{
    for (size_t i = 0; i < fleet->count; i++)
        redis_process_kill(&fleet->list[i]);
    fleet->count = 0;
}

/* --- a Cluster --- */

/* Of the first. */
static unsigned bus_port(const struct redis_fleet *fleet)
{
    static const char before[] = "cluster-port ";
    return (unsigned)strtoul(strstr(fleet->lines[0], before) + strlen(before), NULL, 10);
}

static void introduce(struct redis_fleet *fleet)
{
    static const char *const slots[FLEET_MASTERS] = {"0|5460", "5461|10922", "10923|16383"};
    char words[128];
    for (size_t i = 0; i < fleet->count; i++) {
        snprintf(words, sizeof(words), "CLUSTER|SET-CONFIG-EPOCH|%zu", i + 1);
        redis_process_do(&fleet->list[i], words);
        if (i < FLEET_MASTERS) {
            snprintf(words, sizeof(words), "CLUSTER|ADDSLOTSRANGE|%s", slots[i]);
            redis_process_do(&fleet->list[i], words);
        }
        if (i > 0) {
            uint16_t port = fleet->tls_ports[0] > 0 ? fleet->tls_ports[0] : fleet->list[0].port;
            snprintf(words, sizeof(words), "CLUSTER|MEET|127.0.0.1|%u|%u", port, bus_port(fleet));
            redis_process_do(&fleet->list[i], words);
        }
    }
}

static void await_cluster(struct redis_fleet *fleet)
{
    char id[64], words[128];
    for (size_t i = 0; i < fleet->count; i++)
        require(
            redis_process_comes_to_say(&fleet->list[i], "CLUSTER|INFO", "cluster_known_nodes:4"));
    redis_process_ask(&fleet->list[0], "CLUSTER|MYID", id, sizeof(id));
    snprintf(words, sizeof(words), "CLUSTER|REPLICATE|%s", id);
    redis_process_do(&fleet->list[FLEET_MASTERS], words);
    for (size_t i = 0; i < fleet->count; i++)
        require(redis_process_comes_to_say(&fleet->list[i], "CLUSTER|INFO", "cluster_state:ok"));
    require(redis_process_comes_to_say(&fleet->list[0], "INFO|replication", "state=online"));
}

static void write_node(
    struct redis_fleet *fleet, size_t index, uint16_t port, const char *tls_lines)
{
    char *out = fleet->memory[index];
    size_t size = sizeof(fleet->memory[index]);
    int len = snprintf(out, size,
        "cluster-enabled yes\ncluster-config-file nodes-%u.conf\ncluster-node-timeout 1000\n"
        "cluster-port %u\ncluster-replica-validity-factor 0\n",
        port, free_port());
    if (tls_lines == NULL)
        return;
    fleet->tls_ports[index] = free_port();
    snprintf(out + len, size - (size_t)len, "%s%u", tls_lines, fleet->tls_ports[index]);
}

static bool start_cluster(struct redis_fleet *fleet, const char *password, const char *tls_lines)
{
    *fleet = (struct redis_fleet){.count = 0};
    for (size_t i = 0; i < FLEET_MASTERS + 1; i++) {
        uint16_t port = free_port();
        write_node(fleet, i, port, tls_lines);
        if (!add(fleet, password, port, fleet->memory[i]))
            return false;
    }
    introduce(fleet);
    await_cluster(fleet);
    return true;
}

bool fleet_start_cluster(struct redis_fleet *fleet, const char *password)
{
    return start_cluster(fleet, password, NULL);
}

bool fleet_start_cluster_tls(struct redis_fleet *fleet, const char *lines)
{
    return start_cluster(fleet, NULL, lines);
}

/* --- Sentinels --- */

static void write_sentinel(char *out, size_t size, uint16_t master, const char *password)
{
    snprintf(out, size,
        "sentinel monitor the-one 127.0.0.1 %u 2\nsentinel down-after-milliseconds the-one 500\n"
        "sentinel failover-timeout the-one 2000\n%s%s\n",
        master, password != NULL ? "sentinel auth-pass the-one " : "",
        password != NULL ? password : "");
}

bool fleet_start_sentinels(struct redis_fleet *fleet, const char *password)
{
    *fleet = (struct redis_fleet){.count = 0};
    uint16_t master = free_port();
    if (!add(fleet, password, master, ""))
        return false;
    snprintf(fleet->memory[1], sizeof(fleet->memory[1]), "replicaof 127.0.0.1 %u", master);
    require(add(fleet, password, free_port(), fleet->memory[1]));
    require(redis_process_comes_to_say(&fleet->list[0], "INFO|replication", "state=online"));
    for (size_t i = 2; i < 5; i++) {
        write_sentinel(fleet->memory[i], sizeof(fleet->memory[i]), master, password);
        fleet->is_sentinel[i] = true;
        require(add(fleet, NULL, free_port(), fleet->memory[i]));
    }
    for (size_t i = 2; i < 5; i++)
        require(
            redis_process_comes_to_say(&fleet->list[i], "INFO|sentinel", "slaves=1,sentinels=3"));
    return true;
}
