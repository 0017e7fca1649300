/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/card.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "xdp/failure.h"

static int ask(int fd, unsigned long what, const char *interface, struct ifreq *request)
{
    memcpy(request->ifr_name, interface, strlen(interface) + 1);
    return ioctl(fd, what, request) == 0 ? 0 : -errno;
}

static bool ask_driver(int fd, const char *interface, void *command)
{
    struct ifreq request = {.ifr_data = command};
    return ask(fd, SIOCETHTOOL, interface, &request) == 0;
}

/* What the driver says of its queues. One that is for both directions counts for each. */
static bool read_channels(int fd, const char *interface, struct card *out)
{
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    if (!ask_driver(fd, interface, &channels))
        return false;
    out->receive_queues = (size_t)channels.combined_count + channels.rx_count;
    out->send_queues = (size_t)channels.combined_count + channels.tx_count;
    return out->receive_queues > 0 && out->send_queues > 0;
}

/* Whether /sys shows the same interface: it may be that of another network namespace. */
static bool is_in_sys(const char *interface, unsigned ifindex)
{
    char path[64], line[16] = "";
    snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", interface);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool same = fgets(line, sizeof(line), file) != NULL && strtoul(line, NULL, 10) == ifindex;
    fclose(file);
    return same;
}

/* How many folders of queues there are: "rx-0", "tx-0" and so on. */
static size_t count_in_sys(const char *interface, const char *prefix)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/sys/class/net/%s/queues", interface);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(folder);
    return count;
}

static void read_queues(int fd, const char *interface, struct card *out)
{
    if (read_channels(fd, interface, out))
        return;
    out->receive_queues = out->send_queues = 1;
    if (!is_in_sys(interface, out->ifindex))
        return;
    size_t receive = count_in_sys(interface, "rx-");
    size_t send = count_in_sys(interface, "tx-");
    if (receive > 0 && send > 0) {
        out->receive_queues = receive;
        out->send_queues = send;
    }
}

static bool is_bond(int fd, const char *interface)
{
    struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
    return ask_driver(fd, interface, &driver) && strcmp(driver.driver, "bonding") == 0;
}

static int read_all(int fd, const char *interface, struct card *out, struct str *why)
{
    struct ifreq request = {0};
    int error = ask(fd, SIOCGIFINDEX, interface, &request);
    if (error == 0) {
        out->ifindex = (unsigned)request.ifr_ifindex;
        error = ask(fd, SIOCGIFHWADDR, interface, &request);
    }
    if (error == -ENODEV) {
        str_add_string(why, "there is no such interface");
        return error;
    }
    if (error != 0)
        return xdp_failure(why, error, "learn about the interface");

    out->ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
    memcpy(out->mac, request.ifr_hwaddr.sa_data, sizeof(out->mac));
    out->bond = is_bond(fd, interface);
    read_queues(fd, interface, out);
    return 0;
}

int card_read(const char *interface, struct card *out, struct str *why)
{
    if (strlen(interface) >= IFNAMSIZ) {
        str_add_string(why, "there is no such interface");
        return -ENODEV;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return xdp_failure(why, -errno, "open a socket");
    *out = (struct card){.ifindex = 0};
    int error = read_all(fd, interface, out, why);
    close(fd);
    return error;
}
