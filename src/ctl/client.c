/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { LARGEST_ANSWER = 1 << 28 };

static int connect_to(const char *path, int *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = CTL_PATIENCE_S};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *out = fd;
    return 0;
}

static int send_all(int fd, struct text t)
{
    while (t.len > 0) {
        ssize_t sent = send(fd, t.data, t.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -errno;
        t = text_skip(t, (size_t)sent);
    }
    return 0;
}

static int receive_all(int fd, struct str *out)
{
    char chunk[65536];
    for (;;) {
        ssize_t len = recv(fd, chunk, sizeof(chunk), 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return -errno;
        if (len == 0)
            return 0;
        str_add(out, text_of(chunk, (size_t)len));
        if (!str_ok(out))
            return -ENOMEM;
        if (out->len > LARGEST_ANSWER)
            return -EMSGSIZE;
    }
}

static int converse(
    int fd, const char *method, const char *target, const char *body, struct str *memory)
{
    struct str request = {.data = NULL};
    str_addf(
        &request, "%s %s HTTP/1.1\r\nHost: mediaferry\r\nConnection: close\r\n", method, target);
    if (body != NULL)
        str_addf(
            &request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    str_addf(&request, "\r\n%s", body != NULL ? body : "");
    int error = str_ok(&request) ? send_all(fd, str_text(&request)) : -ENOMEM;
    str_done(&request);
    return error != 0 ? error : receive_all(fd, memory);
}

static void explain(const char *socket, int error, struct str *why)
{
    if (error == -EAGAIN)
        str_addf(why, "'%s': no answer within %d seconds", socket, (int)CTL_PATIENCE_S);
    else if (error == -ENOENT || error == -ECONNREFUSED)
        str_addf(why,
            "'%s': nobody listens there: mediaferry does not run, or has another 'listen-control' "
            "(here: --socket)",
            socket);
    else if (error == -EACCES || error == -EPERM)
        str_addf(why, "'%s': %s: it is for root and for the user that mediaferry runs as", socket,
            strerror(-error));
    else
        str_addf(why, "'%s': %s", socket, strerror(-error));
}

int ctl_ask(const char *socket, const char *method, const char *target, const char *body,
    struct str *memory, struct ctl_reply *out, struct str *why)
{
    int fd = -1;
    str_reset(memory);
    int error = connect_to(socket, &fd);
    if (error == 0) {
        error = converse(fd, method, target, body, memory);
        close(fd);
    }
    if (error != 0) {
        explain(socket, error, why);
    } else if (!ctl_reply_read(str_text(memory), out)) {
        str_addf(why, "'%s': what answers there is not mediaferry", socket);
        error = -EPROTO;
    }
    return error;
}
