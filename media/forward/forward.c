/* The packet path of the relay in C: one thread, one epoll, no Python. media/forward/native.py is
 * its face and says what it does not do: packets that no rule covers, and all of ports whose rule is
 * too much for it, are handed up there.
 *
 * A port is named by a number: its place in a table in the lower half, how often the place was given
 * away in the upper one, so that what is late for a port that was closed reaches nobody else.
 * `lock` guards the table, its ports, and every SRTP context: the thread holds it for one packet at
 * a time, and lets those who wait go first. What is handed up lies in a list of its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "forward.h"

#define LARGEST 65535
#define TRAILER 160 /* SRTCP's index, the longest tag, the longest MKI, rounded up */
#define EVENTS 256
#define MOST_HANDED_UP 4096
#define RTP_HEADER 12
#define RTCP_HEADER 8
#define MAX_DROPOUT 3000 /* RFC 3550 A.1 */
#define MAX_MISORDER 100
#define NO_PORT UINT64_MAX
#define SAMPLE_MASK 15 /* as media/rtp/stats.py */
#define DEFAULT_CLOCK_RATE 8000

struct port {
    int fd;
    uint64_t number;
    struct forward_rule rule;
    struct forward_counters counters;
    int64_t pair_sequence;
    uint32_t pair_timestamp;
    double pair_arrival;
};

struct handed_up {
    struct handed_up *next;
    struct forward_packet head;
    uint8_t octets[];
};

struct forward_engine {
    int epoll, wake, end;
    pthread_t thread;
    pthread_mutex_t lock;
    atomic_int waiting;
    atomic_int stopped;
    struct port **ports;
    uint32_t *given;
    uint32_t room;
    pthread_mutex_t up_lock;
    struct handed_up *first, **last;
    int handed_up;
    uint8_t memory[LARGEST + TRAILER] __attribute__((aligned(16)));
};

/* -- numbers */

static uint16_t two(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static uint32_t four(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static double monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* -- loss and jitter: media/rtp/stats.py's Reception, line by line */

static void out_of_order(struct port *port, const uint8_t *packet)
{
    struct forward_counters *heard = &port->counters;
    int64_t sequence = two(packet + 2);
    if (heard->next >= 0) {
        int64_t ahead = (sequence - heard->next) & 0xFFFF;
        if (ahead < MAX_DROPOUT) {
            heard->next += ahead + 1;
            return;
        }
        if (ahead >= 0x10000 - MAX_MISORDER && four(packet + 8) == heard->ssrc)
            return;
        heard->expected_before += heard->next - heard->base;
    }
    heard->ssrc = four(packet + 8);
    heard->base = sequence;
    heard->next = sequence + 1;
    port->pair_sequence = -1;
}

static void sample(struct port *port, const uint8_t *packet)
{
    struct forward_counters *heard = &port->counters;
    int64_t sequence = two(packet + 2);
    double now = monotonic();
    if (!(sequence & SAMPLE_MASK)) {
        port->pair_sequence = sequence;
        port->pair_timestamp = four(packet + 4);
        port->pair_arrival = now;
        heard->ssrc = four(packet + 8);
    } else if (sequence - 1 == port->pair_sequence) {
        uint32_t rate = port->rule.clock_rates[packet[1] & 0x7F];
        double sent = (double)(int32_t)(four(packet + 4) - port->pair_timestamp);
        double difference = now - port->pair_arrival - sent / (rate ? rate : DEFAULT_CLOCK_RATE);
        if (difference < 0)
            difference = -difference;
        port->pair_sequence = -1;
        if (difference < 10.0) /* a clock that jumps is no jitter */
            heard->jitter_seconds += (difference - heard->jitter_seconds) / 16;
    }
}

static void received(struct port *port, const uint8_t *packet)
{
    struct forward_counters *heard = &port->counters;
    uint16_t sequence = two(packet + 2);
    heard->rtp_packets++;
    if (heard->next >= 0 && sequence == (uint16_t)heard->next)
        heard->next++;
    else
        out_of_order(port, packet);
    if ((sequence & SAMPLE_MASK) < 2)
        sample(port, packet);
}

/* -- addresses */

int forward_read_address(const char *host, uint16_t port, struct forward_address *into)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, host, &ipv4.sin_addr) == 1) {
        into->length = sizeof ipv4;
        memcpy(into->octets, &ipv4, sizeof ipv4);
        return 1;
    }
    if (inet_pton(AF_INET6, host, &ipv6.sin6_addr) != 1)
        return 0;
    into->length = sizeof ipv6;
    memcpy(into->octets, &ipv6, sizeof ipv6);
    return 1;
}

static void write_address(const struct forward_address *address, struct forward_packet *into)
{
    const struct sockaddr_in *ipv4 = (const void *)address->octets;
    const struct sockaddr_in6 *ipv6 = (const void *)address->octets;
    int is_ipv4 = ipv4->sin_family == AF_INET;
    const void *host = is_ipv4 ? (const void *)&ipv4->sin_addr : (const void *)&ipv6->sin6_addr;
    into->source_port = ntohs(is_ipv4 ? ipv4->sin_port : ipv6->sin6_port);
    inet_ntop(ipv4->sin_family, host, into->source_host, sizeof into->source_host);
}

/* Flow and scope of IPv6 do not count. */
static int is_same(const struct forward_address *one, const struct forward_address *other)
{
    const struct sockaddr_in *a = (const void *)one->octets, *b = (const void *)other->octets;
    const struct sockaddr_in6 *c = (const void *)one->octets, *d = (const void *)other->octets;
    if (one->length != other->length || a->sin_port != b->sin_port)
        return 0;
    if (one->length == sizeof *a)
        return a->sin_addr.s_addr == b->sin_addr.s_addr;
    return !memcmp(&c->sin6_addr, &d->sin6_addr, sizeof c->sin6_addr);
}

/* -- handing up */

static void hand_up(struct forward_engine *engine, struct port *port, int is_report,
                    const struct forward_address *source, const uint8_t *packet, int size)
{
    struct handed_up *one = NULL;
    uint64_t wake = 1;
    pthread_mutex_lock(&engine->up_lock);
    if (engine->handed_up < MOST_HANDED_UP)
        one = malloc(sizeof *one + (size_t)size);
    if (one) {
        one->next = NULL;
        one->head.port = port->number;
        one->head.is_report = is_report;
        one->head.size = size;
        write_address(source, &one->head);
        memcpy(one->octets, packet, (size_t)size);
        *engine->last = one;
        engine->last = &one->next;
        engine->handed_up++;
    }
    pthread_mutex_unlock(&engine->up_lock);
    if (!one)
        port->counters.strangers++;
    else if (write(engine->wake, &wake, sizeof wake) < 0)
        return; /* it is full: whoever reads it is awake */
}

int forward_take(struct forward_engine *engine, struct forward_packet *head, uint8_t *octets)
{
    struct handed_up *one;
    uint64_t count;
    pthread_mutex_lock(&engine->up_lock);
    one = engine->first;
    if (one) {
        engine->first = one->next;
        engine->handed_up--;
        if (!engine->first)
            engine->last = &engine->first;
    } else if (read(engine->wake, &count, sizeof count) < 0) {
        /* nothing more: it was read already */
    }
    pthread_mutex_unlock(&engine->up_lock);
    if (!one)
        return 0;
    *head = one->head;
    memcpy(octets, one->octets, (size_t)one->head.size);
    free(one);
    return 1;
}

/* -- one packet; the lock is held */

static void send_on(struct port *port, const struct forward_side *side,
                    const struct forward_transform *protect, int is_rtcp, uint8_t *packet, int size)
{
    ssize_t sent;
    if (!side->to.length)
        return;
    if (protect->session &&
        (is_rtcp ? protect->rtcp : protect->rtp)(protect->session, packet, &size)) {
        port->counters.errors++;
        return;
    }
    if (side->is_connected)
        sent = send(side->fd, packet, (size_t)size, MSG_DONTWAIT);
    else
        sent = sendto(side->fd, packet, (size_t)size, MSG_DONTWAIT,
                      (const void *)side->to.octets, side->to.length);
    if (sent < 0)
        port->counters.errors++;
}

static void arrived(struct forward_engine *engine, struct port *port, uint8_t *packet, int size,
                    const struct forward_address *source)
{
    const struct forward_rule *rule = &port->rule;
    struct forward_counters *counters = &port->counters;
    int is_media = size >= RTCP_HEADER && (packet[0] & 0xC0) == 0x80;
    int is_rtcp = is_media && packet[1] >= 192 && packet[1] <= 223;
    int came_as = size;
    if (rule->is_handed_up || !is_same(&rule->accepts, source) ||
        (!is_media && rule->is_only_media)) {
        hand_up(engine, port, 0, source, packet, size);
        return;
    }
    if (is_media && rule->unprotect.session &&
        (is_rtcp ? rule->unprotect.rtcp : rule->unprotect.rtp)(rule->unprotect.session, packet,
                                                               &size)) {
        counters->undecryptable++;
        return;
    }
    counters->packets++;
    counters->octets += (uint64_t)came_as;
    if (is_rtcp && rule->is_rtp) {
        hand_up(engine, port, 1, source, packet, size);
        send_on(port, &rule->rtcp, &rule->rtcp_protect, 1, packet, size);
        return;
    }
    if (is_media && rule->is_rtp && size >= RTP_HEADER)
        received(port, packet);
    send_on(port, &rule->rtp, &rule->protect, 0, packet, size);
}

/* -- the thread */

void forward_hold(struct forward_engine *engine)
{
    atomic_fetch_add(&engine->waiting, 1);
    pthread_mutex_lock(&engine->lock);
    atomic_fetch_sub(&engine->waiting, 1);
}

static struct port *port_of(struct forward_engine *engine, uint64_t number)
{
    uint32_t place = (uint32_t)number;
    struct port *port = place < engine->room ? engine->ports[place] : NULL;
    return port && port->number == number ? port : NULL;
}

static void serve(struct forward_engine *engine, uint64_t number)
{
    struct forward_address source;
    struct port *port;
    ssize_t size;
    while (atomic_load(&engine->waiting))
        sched_yield();
    pthread_mutex_lock(&engine->lock);
    port = port_of(engine, number);
    if (port) {
        source.length = sizeof source.octets;
        size = recvfrom(port->fd, engine->memory, LARGEST, MSG_DONTWAIT, (void *)source.octets,
                        &source.length);
        if (size >= 0) /* else an ICMP error of an earlier packet, which is read by that */
            arrived(engine, port, engine->memory, (int)size, &source);
    }
    pthread_mutex_unlock(&engine->lock);
}

static void *run(void *argument)
{
    struct forward_engine *engine = argument;
    struct epoll_event events[EVENTS];
    while (!atomic_load(&engine->stopped)) {
        int amount = epoll_wait(engine->epoll, events, EVENTS, -1);
        for (int at = 0; at < amount; at++)
            serve(engine, events[at].data.u64);
    }
    return NULL;
}

/* -- what native.py calls, from one thread */

static void let_go(struct forward_engine *engine)
{
    struct handed_up *one;
    while ((one = engine->first)) {
        engine->first = one->next;
        free(one);
    }
    for (uint32_t place = 0; place < engine->room; place++)
        free(engine->ports[place]);
    free(engine->ports);
    free(engine->given);
    close(engine->epoll);
    close(engine->wake);
    close(engine->end);
    free(engine);
}

struct forward_engine *forward_start(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = NO_PORT};
    pthread_mutexattr_t recursive;
    struct forward_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    engine->last = &engine->first;
    engine->epoll = epoll_create1(EPOLL_CLOEXEC);
    engine->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->end = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutexattr_init(&recursive); /* native.py holds it while it calls what holds it */
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&engine->lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_mutex_init(&engine->up_lock, NULL);
    if (epoll_ctl(engine->epoll, EPOLL_CTL_ADD, engine->end, &event) ||
        pthread_create(&engine->thread, NULL, run, engine)) {
        let_go(engine);
        return NULL;
    }
    return engine;
}

int forward_wake(struct forward_engine *engine) { return engine->wake; }

void forward_release(struct forward_engine *engine) { pthread_mutex_unlock(&engine->lock); }

static int make_room(struct forward_engine *engine)
{
    uint32_t room = engine->room ? 2 * engine->room : 64;
    struct port **ports = realloc(engine->ports, room * sizeof *ports);
    uint32_t *given;
    if (!ports)
        return -1;
    engine->ports = ports;
    given = realloc(engine->given, room * sizeof *given);
    if (!given)
        return -1;
    engine->given = given;
    memset(ports + engine->room, 0, (room - engine->room) * sizeof *ports);
    memset(given + engine->room, 0, (room - engine->room) * sizeof *given);
    engine->room = room;
    return 0;
}

int forward_open(struct forward_engine *engine, uint32_t place, int fd, uint64_t *number)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct port *port = calloc(1, sizeof *port);
    int failed = 0;
    if (!port)
        return ENOMEM;
    forward_hold(engine);
    while (place >= engine->room && !failed)
        failed = make_room(engine) ? ENOMEM : 0;
    if (!failed) {
        port->fd = fd;
        port->number = (uint64_t)++engine->given[place] << 32 | place;
        port->rule.is_handed_up = 1;
        port->counters.next = port->counters.base = -1;
        port->pair_sequence = -1;
        engine->ports[place] = port;
        event.data.u64 = *number = port->number;
        if (epoll_ctl(engine->epoll, EPOLL_CTL_ADD, fd, &event)) {
            failed = errno;
            engine->ports[place] = NULL;
        }
    }
    forward_release(engine);
    if (failed)
        free(port);
    return failed;
}

void forward_close(struct forward_engine *engine, uint64_t number)
{
    struct port *port;
    forward_hold(engine);
    port = port_of(engine, number);
    if (port) {
        epoll_ctl(engine->epoll, EPOLL_CTL_DEL, port->fd, NULL);
        engine->ports[(uint32_t)number] = NULL;
    }
    forward_release(engine);
    free(port);
}

void forward_follow(struct forward_engine *engine, uint64_t number, const struct forward_rule *rule)
{
    struct port *port;
    forward_hold(engine);
    port = port_of(engine, number);
    if (port)
        port->rule = *rule;
    forward_release(engine);
}

void forward_counted(struct forward_engine *engine, uint64_t number, struct forward_counters *into)
{
    struct port *port;
    forward_hold(engine);
    port = port_of(engine, number);
    if (port)
        *into = port->counters;
    forward_release(engine);
}

void forward_stop(struct forward_engine *engine)
{
    uint64_t end = 1;
    atomic_store(&engine->stopped, 1);
    if (write(engine->end, &end, sizeof end) < 0)
        return; /* cannot be: it is written once */
    pthread_join(engine->thread, NULL);
    let_go(engine);
}
