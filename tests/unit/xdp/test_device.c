/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: attached and gone again, and what is said when they cannot be. */
#include "xdp/device.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <linux/if_link.h>

#include "veth_world.h"
#include "xdp/rings_state.h"

static struct xdp_maps *maps;
static struct str why;

static int set_up(void **state)
{
    (void)state;
    veth_world_open(2);
    return xdp_maps_open(&maps, &why);
}

static int tear_down(void **state)
{
    (void)state;
    xdp_maps_close(maps);
    str_done(&why);
    veth_world_close();
    return 0;
}

static struct device *open_named(const char *interface, enum device_attach attach)
{
    struct device *device = NULL;
    struct device_config config = {.interface = interface, .attach = attach, .workers = 3};
    if (device_open(maps, &config, &device, &why) != 0)
        fail_msg("%s", str_string(&why));
    assert_int_equal(str_text(&why).len, 0);
    return device;
}

static struct device *open_as(enum device_attach attach)
{
    return open_named(NEAR_NAME, attach);
}

static void expect_refusal(const struct device_config *config, int error, const char *words)
{
    struct device *device = NULL;
    str_reset(&why);
    int result = device_open(maps, config, &device, &why);
    if (result != error || strcmp(str_string(&why), words) != 0)
        fail_msg("%d: %s", result, str_string(&why));
    assert_null(device);
    str_reset(&why);
}

static unsigned attached_mode(void)
{
    struct bpf_xdp_query_opts query;
    memset(&query, 0, sizeof(query));
    query.sz = sizeof(query);
    assert_int_equal(bpf_xdp_query((int)if_nametoindex(NEAR_NAME), 0, &query), 0);
    return query.attach_mode;
}

static void is_attached_while_open(void **state)
{
    (void)state;
    struct device *device = open_as(DEVICE_ATTACH_AUTO);
    assert_true(device_is_native(device));
    assert_int_equal(attached_mode(), XDP_ATTACHED_DRV);
    assert_string_equal(device_name(device), NEAR_NAME);
    assert_int_equal(device_ifindex(device), if_nametoindex(NEAR_NAME));
    device_close(device);
    assert_int_equal(attached_mode(), XDP_ATTACHED_NONE);

    device = open_as(DEVICE_ATTACH_GENERIC);
    assert_false(device_is_native(device));
    assert_int_equal(attached_mode(), XDP_ATTACHED_SKB);
    device_close(device);
    assert_int_equal(attached_mode(), XDP_ATTACHED_NONE);
    device_close(NULL);
}

/* Each worker has rings at each queue, and sends by one of them. */
static void workers_are_spread_over_queues(void **state)
{
    (void)state;
    struct device *device = open_as(DEVICE_ATTACH_AUTO);
    assert_int_equal(device_queues(device), 2);
    for (size_t worker = 0; worker < 3; worker++) {
        struct rings *sending = device_send_rings(device, worker);
        assert_ptr_equal(sending, device_rings(device, worker % 2, worker));
        assert_non_null(rings_reserve(sending));
        assert_null(rings_reserve(device_rings(device, 1 - worker % 2, worker)));
    }
    assert_ptr_not_equal(device_rings(device, 0, 0), device_rings(device, 0, 2));
    device_close(device);
}

/* A queue by which nothing can be sent is received at all the same. */
static void queues_may_be_for_one_direction(void **state)
{
    (void)state;
    run_near("ip link add more_in numrxqueues 2 numtxqueues 1 type veth"
             " peer name more_out numrxqueues 1 numtxqueues 2");
    struct device *device = open_named("more_in", DEVICE_ATTACH_AUTO);
    assert_int_equal(device_queues(device), 2);
    for (size_t worker = 0; worker < 3; worker++)
        assert_ptr_equal(device_send_rings(device, worker), device_rings(device, 0, worker));
    device_close(device);

    device = open_named("more_out", DEVICE_ATTACH_AUTO);
    assert_int_equal(device_queues(device), 1);
    device_close(device);
}

/* With frames as long as these a driver cannot run programs. */
static void falls_back_to_generic(void **state)
{
    (void)state;
    run_near("ip link set " NEAR_NAME " mtu 9000");
    run_far("ip link set far mtu 9000");
    struct device *device = open_as(DEVICE_ATTACH_AUTO);
    assert_false(device_is_native(device));
    device_close(device);

    struct device_config config = {
        .interface = NEAR_NAME, .attach = DEVICE_ATTACH_NATIVE, .workers = 1};
    assert_int_not_equal(device_open(maps, &config, &device, &why), 0);
    assert_non_null(
        strstr(str_string(&why), NEAR_NAME ": cannot attach an XDP program in its driver: "));
}

static void says_what_is_no_device(void **state)
{
    (void)state;
    struct device_config config = {.interface = "none", .workers = 1};
    expect_refusal(&config, -ENODEV, "none: there is no such interface");
    config.interface = "longer-than-names-are";
    expect_refusal(&config, -ENODEV, "longer-than-names-are: there is no such interface");
    config.interface = "lo";
    expect_refusal(&config, -EOPNOTSUPP, "lo: it is no Ethernet interface");
}

/* One that is there is left alone, also where one of ours could be put beside it. */
static void does_not_displace_a_program(void **state)
{
    (void)state;
    static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
    int index = (int)if_nametoindex(NEAR_NAME);
    struct xdp_program other;
    assert_int_equal(xdp_program_load(maps, 1, &other, &why), 0);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        assert_int_equal(bpf_xdp_attach(index, other.program_fd, modes[i], NULL), 0);
        for (enum device_attach how = DEVICE_ATTACH_AUTO; how <= DEVICE_ATTACH_GENERIC; how++) {
            struct device_config config = {.interface = NEAR_NAME, .attach = how, .workers = 1};
            struct device *device = NULL;
            int error = device_open(maps, &config, &device, &why);
            assert_true(error == -EBUSY || error == -EEXIST);
            assert_string_equal(
                str_string(&why), NEAR_NAME ": another XDP program is attached to it");
            str_reset(&why);
        }
        assert_int_equal(bpf_xdp_detach(index, modes[i], NULL), 0);
    }
    xdp_program_unload(&other);
}

static void does_not_share_with_others(void **state)
{
    (void)state;
    struct device *device = open_as(DEVICE_ATTACH_AUTO);
    struct device_config config = {.interface = NEAR_NAME, .workers = 1};
    expect_refusal(&config, -EBUSY, NEAR_NAME ": another XDP program is attached to it");
    device_close(device);
}

/* Sockets without a program, as others may have them. */
static void does_not_share_queues(void **state)
{
    (void)state;
    struct queue *queue = NULL;
    struct rings *rings = NULL;
    struct queue_config config = {.index = 1, .receive_frames = 64, .send_frames = 64};
    assert_int_equal(queue_open(&config, &queue, &why), 0);
    struct rings_config other = {.interface = NEAR_NAME, .queue = queue, .receive_size = 64};
    assert_int_equal(rings_open(&other, &rings, &why), 0);
    struct device_config mine = {.interface = NEAR_NAME, .workers = 1};
    expect_refusal(&mine, -EBUSY, NEAR_NAME ": another program has AF_XDP sockets at queue 1");
    assert_int_equal(attached_mode(), XDP_ATTACHED_NONE);
    rings_close(rings);
    queue_close(queue);
}

/* What the last one had is free after a moment, for which it waits. */
static void opens_again_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        device_close(open_as(DEVICE_ATTACH_AUTO));

    struct queue_config config = {.index = 0, .receive_frames = 64, .send_frames = 64};
    for (int i = 0; i < 20; i++) {
        struct queue *queue = NULL;
        struct rings *rings = NULL;
        assert_int_equal(queue_open(&config, &queue, &why), 0);
        struct rings_config socket = {.interface = NEAR_NAME, .queue = queue, .receive_size = 64};
        assert_int_equal(rings_open(&socket, &rings, &why), 0);
        rings_close(rings);
        queue_close(queue);
    }
}

/* What a process of such capabilities is told. */
struct privilege_case {
    const char *name;
    uint64_t capabilities;
    rlim_t memlock;
    const char *words; /* NULL: it is enough */
};

#define CAP(name) ((uint64_t)1 << CAP_##name)
#define ENOUGH (CAP(NET_ADMIN) | CAP(NET_RAW) | CAP(BPF))

static const struct privilege_case privileges[] = {
    {"enough", ENOUGH, 1 << 20, NULL},
    {"any memory", ENOUGH | CAP(IPC_LOCK), 0, NULL},
    {"no memory", ENOUGH, 0, "more RLIMIT_MEMLOCK or CAP_IPC_LOCK is needed"},
    {"no CAP_NET_ADMIN", ENOUGH & ~CAP(NET_ADMIN), 1 << 20, "CAP_NET_ADMIN"},
    {"no CAP_NET_RAW", ENOUGH & ~CAP(NET_RAW), 1 << 20, "CAP_NET_RAW"},
    {"no CAP_BPF", ENOUGH & ~CAP(BPF), 1 << 20, "CAP_BPF"},
};

static void keep_capabilities(uint64_t capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    for (int i = 0; i < 2; i++)
        data[i].permitted = data[i].effective = (uint32_t)(capabilities >> 32 * i);
    if (syscall(SYS_capset, &header, data) != 0)
        _exit(3);
}

/* Returns 0 when all is as it should be; runs in a process of its own. */
static int try_with(const struct privilege_case *c)
{
    struct rlimit limit = {c->memlock, c->memlock};
    struct device_config config = {
        .interface = NEAR_NAME, .workers = 1, .receive_frames = 64, .send_frames = 64};
    struct xdp_maps *own = NULL;
    struct device *device = NULL;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return 2;
    keep_capabilities(c->capabilities);
    int error = xdp_maps_open(&own, &why);
    if (error == 0)
        error = device_open(own, &config, &device, &why);
    if (c->words == NULL ? error == 0 : error != 0 && strstr(str_string(&why), c->words) != NULL)
        return 0;
    fprintf(stderr, "# %s: %d %s\n", c->name, error, str_string(&why));
    return 1;
}

static void says_which_privileges_it_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(privileges); i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(try_with(&privileges[i]));
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

/* However a process ends, its program goes with it. */
static void a_dead_process_has_no_program(void **state)
{
    (void)state;
    int told[2];
    char byte;
    assert_return_code(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        open_as(DEVICE_ATTACH_AUTO);
        if (write(told[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(attached_mode(), XDP_ATTACHED_DRV);
    assert_return_code(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(told[0]);
    close(told[1]);
    for (int i = 0; attached_mode() != XDP_ATTACHED_NONE; i++) {
        assert_in_range(i, 0, 200);
        poll(NULL, 0, 10);
    }
}

static void goes_away_while_open(void **state)
{
    (void)state;
    struct device *device = open_as(DEVICE_ATTACH_AUTO);
    run_near("ip link del " NEAR_NAME);
    assert_string_equal(device_name(device), NEAR_NAME);
    uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    assert_int_equal(device_set_mac(device, mac), 0);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_attached_while_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_are_spread_over_queues, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queues_may_be_for_one_direction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(falls_back_to_generic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_no_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_displace_a_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_share_with_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_share_queues, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opens_again_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_which_privileges_it_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dead_process_has_no_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_away_while_open, set_up, tear_down),
    };
    if (!veth_world_is_possible())
        return skip_all();
    return cmocka_run_group_tests_name("xdp/device", tests, NULL, NULL);
}
