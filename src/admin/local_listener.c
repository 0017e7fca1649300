/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/local_listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, OWNER_ONLY = 0600 };

struct local_listener {
    struct local_listener_config config;
    struct sockaddr_un address;
    struct stat file; /* what was made at that name */
    int fd;           /* -1: closing */
    bool is_paused;
    unsigned handles;
    uv_poll_t readable;
    uv_timer_t rest;
};

/* --- the name --- */

static int new_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Nobody listens there any more. */
static bool is_left_behind(const struct sockaddr_un *address)
{
    struct stat file;
    if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = new_socket();
    if (fd < 0)
        return false;
    bool is_dead = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return is_dead;
}

static int try_bind(int fd, const struct sockaddr_un *address)
{
    return bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : -errno;
}

/* Linux gives the file the mode of the socket: there is no moment when others could connect. */
static int bind_to_name(int fd, const struct sockaddr_un *address, struct stat *file)
{
    if (fchmod(fd, OWNER_ONLY) != 0)
        return -errno;
    int error = try_bind(fd, address);
    if (error == -EADDRINUSE && is_left_behind(address)) {
        if (unlink(address->sun_path) != 0)
            return -errno;
        error = try_bind(fd, address);
    }
    if (error != 0)
        return error;
    if (lstat(address->sun_path, file) != 0 || chmod(address->sun_path, OWNER_ONLY) != 0 ||
        listen(fd, BACKLOG) != 0) {
        error = -errno;
        unlink(address->sun_path);
    }
    return error;
}

static void remove_name(const struct local_listener *l)
{
    struct stat now;
    if (lstat(l->address.sun_path, &now) == 0 && now.st_dev == l->file.st_dev &&
        now.st_ino == l->file.st_ino)
        unlink(l->address.sun_path);
}

/* --- connections --- */

static void on_readable(uv_poll_t *readable, int status, int events);

static void listen_again(struct local_listener *l)
{
    if (!l->is_paused)
        uv_poll_start(&l->readable, UV_READABLE, on_readable);
}

static void on_rested(uv_timer_t *rest)
{
    listen_again(rest->data);
}

/* Descriptors or memory have run out: the connection stays readable, and the loop would spin. */
static void take_rest(struct local_listener *l)
{
    uv_poll_stop(&l->readable);
    uv_timer_start(&l->rest, on_rested, LOCAL_LISTENER_REST_MS, 0);
}

static void on_readable(uv_poll_t *readable, int status, int events)
{
    struct local_listener *l = readable->data;
    (void)status, (void)events;
    for (int i = 0; i < LOCAL_LISTENER_PER_TURN && l->fd >= 0 && !l->is_paused; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->config.on_connection(l->config.owner, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            take_rest(l);
            return;
        }
    }
}

void local_listener_pause(struct local_listener *l)
{
    l->is_paused = true;
    uv_poll_stop(&l->readable);
}

void local_listener_resume(struct local_listener *l)
{
    l->is_paused = false;
    listen_again(l);
}

bool local_peer(int fd, uid_t *out)
{
    struct sockaddr_storage own;
    struct ucred peer;
    socklen_t own_len = sizeof(own), len = sizeof(peer);
    /* On TCP the kernel answers too, with nobody. */
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 || own.ss_family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *out = peer.uid;
    return true;
}

/* --- life --- */

static int start(struct local_listener *l, uv_loop_t *loop)
{
    int error = uv_poll_init(loop, &l->readable, l->fd);
    if (error != 0)
        return error;
    uv_timer_init(loop, &l->rest); /* never fails */
    l->readable.data = l;
    l->rest.data = l;
    l->handles = 2;
    listen_again(l);
    return 0;
}

static int open_socket(struct local_listener *l)
{
    l->fd = new_socket();
    if (l->fd < 0)
        return l->fd;
    int error = bind_to_name(l->fd, &l->address, &l->file);
    if (error != 0)
        close(l->fd);
    return error;
}

static void explain(const char *path, int error, struct str *why)
{
    if (error == -EADDRINUSE)
        str_addf(why, "cannot listen on '%s': another process does, or it is no socket", path);
    else
        str_addf(why, "cannot listen on '%s': %s", path, strerror(-error));
}

int local_listener_open(uv_loop_t *loop, const struct local_listener_config *config,
    struct local_listener **out, struct str *why)
{
    size_t len = strlen(config->path);
    struct local_listener *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return -ENOMEM;
    int error = len == 0 || len >= sizeof(l->address.sun_path) ? -ENAMETOOLONG : 0;
    if (error == 0) {
        l->config = *config;
        l->address.sun_family = AF_UNIX;
        memcpy(l->address.sun_path, config->path, len);
        error = open_socket(l);
    }
    if (error == 0) {
        error = start(l, loop);
        if (error != 0) {
            remove_name(l);
            close(l->fd);
        }
    }
    if (error != 0) {
        explain(config->path, error, why);
        free(l);
        return error;
    }
    l->config.path = l->address.sun_path;
    *out = l;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct local_listener *l = handle->data;
    if (--l->handles == 0)
        free(l);
}

void local_listener_close(struct local_listener *l)
{
    if (l == NULL)
        return;
    remove_name(l);
    uv_close((uv_handle_t *)&l->readable, on_closed);
    uv_close((uv_handle_t *)&l->rest, on_closed);
    close(l->fd);
    l->fd = -1;
}
