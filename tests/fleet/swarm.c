/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many hosts of a fleet on one machine, for tests/fleet/load.py: a process each, with its own certificate, that is in
 * the fleet by the code of the agent (lib/fleet/cluster.h, lib/fleet/decide.h). Only its VMs are made up.
 *
 *     swarm REMOTE FOLDER HOSTS VMS INTERVAL-MS BEGIN-MS
 *
 * Hosts are host-0, host-1, ...; FOLDER has the authority that signs their certificates: ca.key and ca.pem. VM 7 of host 3 is vm-3-7. Each interval a host has audited: its time is another
 * one, so is what is counted of its stranded VMs, and every twentieth time a VM's verdict. An order is done at once.
 *
 * On standard output, lines of words:
 *     state CONNECTED WRITTEN AUDITS CONNECTS REFUSED    hosts, those that have written since; since the start; each second
 *     heard HOST VM-ID NUMBER DECIDED-MS NOW-MS          an order, when a host begins to do it
 * One host begins after the other within BEGIN-MS.
 * It ends, and all hosts with it, at the end of its standard input.
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/stream-ssl.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/fleet/cluster.h"
#include "lib/ovs/socket.h"
#include "tests/fleet/swarm_keys.h"

#define ID_BYTES        37
#define NAME_BYTES      32
#define CHANGE_ONE_IN   20
#define FLOW_SET_BYTES  1200
#define FIRST_SERIAL    1000
#define HOSTS_MOST      20000
#define STATE_EVERY_MS  1000
#define STRANDED_ONE_IN 50
#define IDLE_ONE_IN     25
#define UNKNOWN_ONE_IN  200

/* What a host tells the parent, in memory that both have. */
struct told {
    atomic_bool is_connected;
    atomic_bool has_written; /* since it is connected */
    atomic_uint n_audits;
    atomic_uint n_connects;
    atomic_uint n_refused;
};

struct vm {
    char id[ID_BYTES];
    char name[NAME_BYTES];
    const char *verdict;
    struct fl_decision own;
    int64_t number;
    int64_t changed_ms;
};

struct host {
    char name[NAME_BYTES];
    struct fl_cluster *cluster;
    struct vm *vms;
    size_t n_vms;
    int64_t interval_ms;
    int64_t audited_ms; /* Unix time */
    long long next_ms;  /* audit, on the clock of time_msec() */
    uint64_t dice;
    const char *firmware;
    char flow_set[FLOW_SET_BYTES];
    struct told *told;
};

/* Of splitmix64, so that a host is the same in each run. */
static uint64_t throw_dice(struct host *host)
{
    uint64_t z = (host->dice += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- What a host says ---- */

static bool is_stranded(const struct vm *vm)
{
    return !strcmp(vm->verdict, "stranded");
}

static json_t *vm_json(struct host *host, const struct vm *vm)
{
    bool stranded = is_stranded(vm);
    json_t *causes = json_array();

    if (stranded) {
        json_array_append_new(causes, json_string("conntrack"));
    }
    return json_pack("{s:s, s:s, s:s, s:f, s:I, s:o}", "name", vm->name, "verdict", vm->verdict,
                     "scope", stranded ? "vm" : "", "hw_share", stranded ? 0.02 : 1.0, "sw_rate",
                     (json_int_t)(stranded ? 1200000 + throw_dice(host) % 600000 : 0), "causes",
                     causes);
}

static json_t *repair_json(const struct host *host, const struct vm *vm)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:s, s:s, s:s, s:I, s:s}", "name", vm->name,
                     "state", vm->own.stands ? "verified" : "reverted", "reason",
                     "its storage flows are in hardware", "stands", vm->own.stands, "decided",
                     (json_int_t)vm->own.decided_ms, "changed", (json_int_t)vm->changed_ms, "who",
                     "swarm", "ticket", "", "until", "", "order", (json_int_t)vm->number,
                     "flow_set", vm->own.stands ? host->flow_set : "");
}

static json_t *host_json(const struct host *host)
{
    json_t *verdicts = json_object();

    for (size_t i = 0; i < host->n_vms; i++) {
        const char *verdict = host->vms[i].verdict;
        json_int_t n = json_integer_value(json_object_get(verdicts, verdict));

        json_object_set_new(verdicts, verdict, json_integer(n + 1));
    }
    return json_pack("{s:s, s:s, s:{s:s}, s:o, s:s, s:I, s:I}", "flowlift_version", "0.1.0",
                     "ovs_version", "3.1.0", "nics", "mlx5e_rep", host->firmware, "verdicts",
                     verdicts, "incomplete", "", "audited", (json_int_t)host->audited_ms,
                     "interval", (json_int_t)host->interval_ms);
}

static void publish(struct host *host)
{
    json_t *vms = json_object(), *repairs = json_object();
    _cleanup_json json_t *state = NULL;

    for (size_t i = 0; i < host->n_vms; i++) {
        const struct vm *vm = &host->vms[i];

        json_object_set_new(vms, vm->id, vm_json(host, vm));
        if (vm->own.decided_ms) {
            json_object_set_new(repairs, vm->id, repair_json(host, vm));
        }
    }
    state = json_pack("{s:o, s:o, s:o}", "host", host_json(host), "vms", vms, "repairs", repairs);
    fl_cluster_publish(host->cluster, state);
}

static void audit(struct host *host)
{
    host->audited_ms = fl_time_now_ms();
    host->next_ms += host->interval_ms;
    host->told->n_audits++;
    if (throw_dice(host) % CHANGE_ONE_IN == 0) {
        struct vm *vm = &host->vms[throw_dice(host) % host->n_vms];

        vm->verdict = is_stranded(vm) ? "offloaded" : "stranded";
    }
    publish(host);
}

/* ---- What it hears ---- */

/* One write() of a short line to a pipe is whole, whoever else writes. */
static void tell_heard(const struct host *host, const struct vm *vm)
{
    _cleanup_free char *line = xasprintf("heard %s %s %" PRId64 " %" PRId64 " %" PRId64 "\n",
                                         host->name, vm->id, vm->number, vm->own.decided_ms,
                                         fl_time_now_ms());

    ignore(write(STDOUT_FILENO, line, strlen(line)));
}

static bool listen_for(struct host *host, struct vm *vm)
{
    struct fl_cluster_heard heard;
    struct fl_decision word;
    struct fl_decide_on view = { .own = vm->own, .own_is_in = vm->own.stands, .is_here = true };

    fl_cluster_hear(host->cluster, vm->id, &heard);
    view.order = heard.order;
    view.peers = heard.peers;
    view.tried_ms = vm->own.decided_ms;
    if (fl_decide(&view, &word) == FL_ACT_LEAVE) {
        return false;
    }
    vm->own = word;
    vm->number = heard.number;
    vm->changed_ms = fl_time_now_ms();
    vm->verdict = "offloaded";
    tell_heard(host, vm);
    return true;
}

static void run(struct host *host)
{
    bool is_other = false, was_connected = host->told->is_connected;

    if (fl_cluster_run(host->cluster) && fl_cluster_is_complete(host->cluster)) {
        for (size_t i = 0; i < host->n_vms; i++) {
            is_other |= listen_for(host, &host->vms[i]);
        }
    }
    if (time_msec() >= host->next_ms) {
        audit(host);
    } else if (is_other) {
        publish(host);
    }
    host->told->is_connected = fl_cluster_is_connected(host->cluster);
    host->told->n_connects += !was_connected && host->told->is_connected;
    host->told->has_written = host->told->is_connected &&
                              (host->told->has_written || fl_cluster_has_written(host->cluster));
    host->told->n_refused += fl_cluster_trouble(host->cluster) != NULL;
}

/* ---- Its life ---- */

static void make_vms(struct host *host, unsigned int number)
{
    host->vms = xcalloc(host->n_vms, sizeof *host->vms);
    for (size_t i = 0; i < host->n_vms; i++) {
        struct vm *vm = &host->vms[i];
        size_t n = number * host->n_vms + i;

        snprintf(vm->id, sizeof vm->id, "%08x-0000-4000-8000-%012x", number, (unsigned int)i);
        snprintf(vm->name, sizeof vm->name, "vm-%u-%zu", number, i);
        vm->verdict = n % STRANDED_ONE_IN == 0  ? "stranded"
                      : n % UNKNOWN_ONE_IN == 3 ? "unknown"
                      : n % IDLE_ONE_IN == 7    ? "idle"
                                                : "offloaded";
    }
}

static void want(struct host *host)
{
    struct sset ids = SSET_INITIALIZER(&ids);

    for (size_t i = 0; i < host->n_vms; i++) {
        sset_add(&ids, host->vms[i].id);
    }
    fl_cluster_want(host->cluster, &ids);
    sset_destroy(&ids);
}

static void set_keys(const struct host *host, const char *folder, unsigned int number)
{
    _cleanup_free char *own = xasprintf("%s/%s-swarm.pem", folder, host->name);
    _cleanup_free char *key = xasprintf("%s/ca.key", folder);
    _cleanup_free char *authority = xasprintf("%s/ca.pem", folder);

    if (!fl_swarm_keys(key, authority, host->name, (long)number + FIRST_SERIAL, own)) {
        fprintf(stderr, "swarm: no certificate of %s for %s\n", authority, host->name);
        _exit(EXIT_FAILURE);
    }
    stream_ssl_set_key_and_cert(own, own);
    stream_ssl_set_ca_cert_file(authority, false);
}

static void be_host(const char *remote, const char *folder, struct host *host, unsigned int number)
{
    snprintf(host->name, sizeof host->name, "host-%u", number);
    host->dice = number;
    host->firmware = number % 3 ? "22.36.1010" : "22.31.1014";
    memset(host->flow_set, 'x', sizeof host->flow_set - 1);
    make_vms(host, number);
    set_keys(host, folder, number);
    host->cluster = fl_cluster_open(remote, host->name);
    want(host);
    host->audited_ms = fl_time_now_ms();
    /* Hosts were not started at the same moment. */
    host->next_ms = time_msec() + (long long)(throw_dice(host) % (uint64_t)host->interval_ms);
    publish(host);
    for (;;) {
        run(host);
        fl_cluster_wait(host->cluster);
        poll_timer_wait_until(host->next_ms);
        poll_block();
    }
}

/* ---- The parent ---- */

static void tell_state(const struct told *told, size_t n)
{
    size_t connected = 0, written = 0, audits = 0, connects = 0, refused = 0;

    for (size_t i = 0; i < n; i++) {
        connected += told[i].is_connected;
        written += told[i].has_written;
        audits += told[i].n_audits;
        connects += told[i].n_connects;
        refused += told[i].n_refused;
    }
    printf("state %zu %zu %zu %zu %zu\n", connected, written, audits, connects, refused);
    fflush(stdout);
}

static void watch(const struct told *told, size_t n)
{
    struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
    char byte;

    while (poll(&end, 1, STATE_EVERY_MS) <= 0 || read(STDIN_FILENO, &byte, 1) > 0) {
        tell_state(told, n);
    }
}

static pid_t start(const char *remote, const char *folder, struct host *host, unsigned int number)
{
    pid_t parent = getpid(), pid = fork();

    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(EXIT_FAILURE);
        }
        be_host(remote, folder, host, number);
    }
    return pid;
}

int main(int argc, char *argv[])
{
    struct host host = { .n_vms = 0 };
    struct told *told;
    int64_t began_ms = fl_monotonic_ms(), begin_ms;
    size_t n;

    if (argc != 7) {
        fprintf(stderr, "usage: swarm REMOTE FOLDER HOSTS VMS INTERVAL-MS BEGIN-MS\n");
        return EXIT_FAILURE;
    }
    n = strtoul(argv[3], NULL, 10);
    host.n_vms = strtoul(argv[4], NULL, 10);
    host.interval_ms = strtol(argv[5], NULL, 10);
    begin_ms = strtol(argv[6], NULL, 10);
    if (!n || n > HOSTS_MOST || !host.n_vms || host.interval_ms <= 0 || begin_ms < 0) {
        fprintf(stderr, "swarm: no such number\n");
        return EXIT_FAILURE;
    }
    fl_socket_hush();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    told = mmap(NULL, n * sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED) {
        fprintf(stderr, "swarm: %s\n", ovs_strerror(errno));
        return EXIT_FAILURE;
    }
    for (unsigned int i = 0; i < n; i++) {
        host.told = &told[i];
        fl_sleep_until_ms(began_ms + begin_ms * i / (int64_t)n);
        if (start(argv[1], argv[2], &host, i) < 0) {
            fprintf(stderr, "swarm: host %u: %s\n", i, ovs_strerror(errno));
            return EXIT_FAILURE;
        }
    }
    watch(told, n);
    return EXIT_SUCCESS;
}
