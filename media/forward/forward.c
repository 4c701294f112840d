/* The packet path of the relay in C: some threads, an epoll of each, no Python. media/forward/
 * native.py is its face and says what it does not do: packets that no rule covers are handed up.
 *
 * A port is named by a number: its place in a table in the lower half, how often the place was given
 * away in the upper one, so that what is late for a port that was closed reaches nobody else. Places
 * are never freed. A socket is read by one thread, always the same, which keeps packets in order.
 *
 * All ports of a call have one lock, of a few that all calls share: it guards ports, counts and SRTP
 * sessions. A thread holds it for one packet at a time, and lets Python go first where that waits.
 * What is handed up lies in a list of its own.
 *
 * Many sides (lanes) may share a socket. Then its port has a table of who expects packets of which
 * source, and each lane is a port without a socket.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "forward.h"

#define LARGEST 65535
#define TRAILER 192 /* a named section, SRTCP's index, the longest tag, the longest MKI, rounded up */
#define EVENTS 256
#define BATCH 16 /* read at once from a socket */
#define MOST_ROUNDS 16
#define MOST_THREADS 64
#define MOST_HANDED_UP 4096
#define LOCKS 128
#define CHUNK 256
#define CHUNKS 4096
#define BUCKETS 4096
#define MOST_SOURCES 64 /* of one port with several sections */
#define NOBODYS (-1)
#define SEVERAL 0xFF
#define RTP_HEADER 12
#define RTCP_HEADER 8
#define SENDER_REPORT 200
#define ONE_BYTE 0xBEDE /* RFC 8285, as media/rtp/extension.py */
#define TWO_BYTES 0x1000
#define MOST_NUMBER 14
#define HAS_EXTENSION 0x10
#define MAX_DROPOUT 3000 /* RFC 3550 A.1 */
#define MAX_MISORDER 100
#define MOST_ASIDE 25 /* as media/rtp/stats.py, and the next two */
#define SAMPLE_MASK 15
#define DEFAULT_CLOCK_RATE 8000
#define NO_PORT UINT64_MAX
#define NICE (-10) /* where the system lets us: sound that waits is lost */

struct section {
    struct forward_section told;
    struct forward_counters heard;
    int is_gone; /* its counts stay */
    int aside;
    int64_t aside_at;
    int64_t pair_sequence;
    uint32_t pair_timestamp;
    double pair_arrival;
};

/* `named_by`: the number of the packet that said so; below 0: none. */
struct source {
    uint32_t ssrc;
    int section;
    int named_by;
};

/* Who expects packets of a source, of a socket that is shared. */
struct expected {
    struct expected *next;
    struct forward_address source;
    uint64_t lane;
};

struct port {
    atomic_int lock;
    uint64_t number; /* 0: nobody has the place */
    uint32_t given;
    int fd; /* -1: a lane */
    int epoll;
    struct forward_rule rule;
    struct forward_counters counted;
    struct section *sections;
    int amount, told; /* sections, those that are gone among them, and without those */
    uint8_t by_payload_type[128];
    struct source sources[MOST_SOURCES];
    int known, oldest;
    struct expected **expected; /* of a shared one */
};

struct handed_up {
    struct handed_up *next;
    struct forward_packet head;
    uint8_t octets[];
};

struct lock {
    pthread_mutex_t mutex;
    atomic_int waiting;
};

struct worker {
    struct forward_engine *engine;
    pthread_t thread;
    int epoll;
    struct mmsghdr heads[BATCH];
    struct iovec buffers[BATCH];
    struct forward_address sources[BATCH];
    uint64_t lanes[BATCH];
    uint8_t memory[BATCH][LARGEST + TRAILER] __attribute__((aligned(16)));
};

struct forward_engine {
    int wake, end;
    atomic_int stopped;
    struct worker *workers;
    int threads;
    struct lock locks[LOCKS];
    struct port *_Atomic chunks[CHUNKS];
    pthread_mutex_t up_lock;
    struct handed_up *first, **last;
    int handed_up;
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

static int is_aside(struct section *section, const uint8_t *packet)
{
    struct forward_counters *heard = &section->heard;
    if (heard->next < 0 || four(packet + 8) == heard->ssrc)
        return 0;
    section->aside = section->aside_at == heard->next ? section->aside + 1 : 1;
    section->aside_at = heard->next;
    if (section->aside >= MOST_ASIDE)
        return 0;
    heard->rtp_packets--;
    return 1;
}

static void out_of_order(struct section *section, const uint8_t *packet)
{
    struct forward_counters *heard = &section->heard;
    int64_t sequence = two(packet + 2);
    if (is_aside(section, packet))
        return;
    if (heard->next >= 0 && four(packet + 8) == heard->ssrc) {
        int64_t ahead = (sequence - heard->next) & 0xFFFF;
        if (ahead < MAX_DROPOUT) {
            heard->next += ahead + 1;
            return;
        }
        if (ahead >= 0x10000 - MAX_MISORDER)
            return;
    }
    if (heard->next >= 0)
        heard->expected_before += heard->next - heard->base;
    heard->ssrc = four(packet + 8);
    heard->base = sequence;
    heard->next = sequence + 1;
    section->aside = 0;
    section->pair_sequence = -1;
}

static void sample(struct section *section, const uint8_t *packet)
{
    struct forward_counters *heard = &section->heard;
    int64_t sequence = two(packet + 2);
    double now = monotonic();
    if ((uint16_t)(heard->next - 1) == sequence)
        heard->ssrc = four(packet + 8); /* it may go on under another name */
    if (four(packet + 8) != heard->ssrc)
        return;
    if (!(sequence & SAMPLE_MASK)) {
        section->pair_sequence = sequence;
        section->pair_timestamp = four(packet + 4);
        section->pair_arrival = now;
    } else if (sequence - 1 == section->pair_sequence) {
        uint32_t rate = section->told.clock_rates[packet[1] & 0x7F];
        double sent = (double)(int32_t)(four(packet + 4) - section->pair_timestamp);
        double difference = now - section->pair_arrival - sent / (rate ? rate : DEFAULT_CLOCK_RATE);
        if (difference < 0)
            difference = -difference;
        section->pair_sequence = -1;
        if (difference < 10.0) /* a clock that jumps is no jitter */
            heard->jitter_seconds += (difference - heard->jitter_seconds) / 16;
    }
}

static void received(struct section *section, const uint8_t *packet)
{
    struct forward_counters *heard = &section->heard;
    uint16_t sequence = two(packet + 2);
    heard->rtp_packets++;
    if (heard->next >= 0 && sequence == (uint16_t)heard->next)
        heard->next++;
    else
        out_of_order(section, packet);
    if ((sequence & SAMPLE_MASK) < 2)
        sample(section, packet);
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

/* Where in the table of a shared port a source stands, or would. */
static struct expected **find(struct expected **table, const struct forward_address *source)
{
    const struct sockaddr_in *ipv4 = (const void *)source->octets;
    const struct sockaddr_in6 *ipv6 = (const void *)source->octets;
    uint32_t hash = ipv4->sin_port, words[4] = {ipv4->sin_addr.s_addr, 0, 0, 0};
    struct expected **at;
    if (source->length != sizeof *ipv4)
        memcpy(words, &ipv6->sin6_addr, sizeof words);
    for (int one = 0; one < 4; one++)
        hash = (hash ^ words[one]) * 0x9E3779B1u; /* Knuth's multiplier */
    at = &table[(hash >> 16) % BUCKETS];
    while (*at && !is_same(&(*at)->source, source))
        at = &(*at)->next;
    return at;
}

/* -- ports and their locks */

static void lock(struct forward_engine *engine, int which)
{
    struct lock *one = &engine->locks[which];
    atomic_fetch_add(&one->waiting, 1);
    pthread_mutex_lock(&one->mutex);
    atomic_fetch_sub(&one->waiting, 1);
}

static void unlock(struct forward_engine *engine, int which)
{
    pthread_mutex_unlock(&engine->locks[which].mutex);
}

static struct port *place_of(struct forward_engine *engine, uint64_t number)
{
    uint32_t place = (uint32_t)number;
    struct port *chunk =
        place < CHUNK * CHUNKS ? atomic_load(&engine->chunks[place / CHUNK]) : NULL;
    return chunk ? &chunk[place % CHUNK] : NULL;
}

/* Lock what the call of a port has now; which one that is. A thread lets others go first. */
static int hold(struct forward_engine *engine, struct port *port, int is_thread)
{
    for (;;) {
        int which = atomic_load(&port->lock);
        while (is_thread && atomic_load(&engine->locks[which].waiting))
            sched_yield();
        if (is_thread)
            pthread_mutex_lock(&engine->locks[which].mutex);
        else
            lock(engine, which);
        if (which == atomic_load(&port->lock))
            return which;
        unlock(engine, which);
    }
}

/* The port of that number with its lock held; NULL with none: it was closed. */
static struct port *locked(struct forward_engine *engine, uint64_t number, int is_thread)
{
    struct port *port = place_of(engine, number);
    int which;
    if (!port)
        return NULL;
    which = hold(engine, port, is_thread);
    if (port->number == number)
        return port;
    unlock(engine, which);
    return NULL;
}

static void release(struct forward_engine *engine, struct port *port)
{
    unlock(engine, atomic_load(&port->lock));
}

int forward_hold(struct forward_engine *engine, uint64_t number)
{
    struct port *port = place_of(engine, number);
    return port ? hold(engine, port, 0) : -1;
}

void forward_release(struct forward_engine *engine, int held)
{
    if (held >= 0)
        unlock(engine, held);
}

void forward_join(struct forward_engine *engine, uint64_t number, uint64_t other)
{
    struct port *port = place_of(engine, number), *joined = place_of(engine, other);
    int from, to;
    if (!port || !joined)
        return;
    from = atomic_load(&port->lock); /* only this, which one thread calls, changes them */
    to = atomic_load(&joined->lock);
    if (from == to)
        return;
    lock(engine, from < to ? from : to);
    lock(engine, from < to ? to : from);
    atomic_store(&port->lock, to);
    unlock(engine, from);
    unlock(engine, to);
}

/* -- handing up */

static int hand_up(struct forward_engine *engine, uint64_t number, int is_report, int section,
                   const struct forward_address *source, const uint8_t *packet, int size)
{
    struct handed_up *one = NULL;
    uint64_t wake = 1;
    pthread_mutex_lock(&engine->up_lock);
    if (engine->handed_up < MOST_HANDED_UP)
        one = malloc(sizeof *one + (size_t)size);
    if (one) {
        one->next = NULL;
        one->head.port = number;
        one->head.is_report = is_report;
        one->head.section = section;
        one->head.size = size;
        write_address(source, &one->head);
        memcpy(one->octets, packet, (size_t)size);
        *engine->last = one;
        engine->last = &one->next;
        engine->handed_up++;
    }
    pthread_mutex_unlock(&engine->up_lock);
    if (one && write(engine->wake, &wake, sizeof wake) < 0)
        return 1; /* it is full: whoever reads it is awake */
    return one != NULL;
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

/* -- whose packet it is where a port has several sections: media/forward/section.py, line by line */

static struct source *find_source(struct port *port, uint32_t ssrc)
{
    for (int at = 0; at < port->known; at++)
        if (port->sources[at].ssrc == ssrc)
            return &port->sources[at];
    return NULL;
}

static struct source *remember(struct port *port, uint32_t ssrc, int section, int named_by)
{
    struct source *found = find_source(port, ssrc);
    if (!found && port->known < MOST_SOURCES)
        found = &port->sources[port->known++];
    else if (!found) {
        found = &port->sources[port->oldest];
        port->oldest = (port->oldest + 1) % MOST_SOURCES;
    }
    *found = (struct source){ssrc, section, named_by};
    return found;
}

/* What the element of that number carries; its length, 0 where there is none, or it is cut off. */
static int element(const uint8_t *packet, int size, int number, const uint8_t **carried)
{
    int at = RTP_HEADER + 4 * (packet[0] & 0x0F), end, profile, is_long;
    if (!(packet[0] & HAS_EXTENSION) || size < at + 4)
        return 0;
    profile = two(packet + at);
    end = at + 4 + 4 * two(packet + at + 2);
    is_long = (profile & 0xFFF0) == TWO_BYTES;
    if (end > size || !(is_long || profile == ONE_BYTE))
        return 0;
    at += 4;
    while (at < end) {
        int first = packet[at++], found, length;
        if (!first)
            continue; /* padding */
        if (is_long) {
            if (at == end)
                return 0;
            found = first;
            length = packet[at++];
        } else {
            found = first >> 4;
            length = (first & 0x0F) + 1;
            if (found > MOST_NUMBER)
                return 0;
        }
        if (found == number) {
            *carried = packet + at;
            return at + length <= end ? length : 0;
        }
        at += length;
    }
    return 0;
}

/* One more element, before those that it has, unless its extension is of another kind; the new size:
 * there is room for it. */
static int put(uint8_t *packet, int size, const struct forward_element *one)
{
    int at = RTP_HEADER + 4 * (packet[0] & 0x0F), profile = ONE_BYTE, words = 0, more, head = 4;
    if (size < at)
        return size;
    if (packet[0] & HAS_EXTENSION) {
        if (size < at + 4)
            return size;
        profile = two(packet + at);
        words = two(packet + at + 2);
        head = 0;
        if (profile != ONE_BYTE && (profile & 0xFFF0) != TWO_BYTES)
            return size;
    }
    more = (one->length + (profile == ONE_BYTE ? 1 : 2) + 3) / 4;
    words += more;
    if (words > 0xFFFF)
        return size;
    memmove(packet + at + 4 + 4 * more, packet + at + 4 - head, (size_t)(size - at - 4 + head));
    packet[0] |= HAS_EXTENSION;
    packet[at++] = (uint8_t)(profile >> 8);
    packet[at++] = (uint8_t)profile;
    packet[at++] = (uint8_t)(words >> 8);
    packet[at++] = (uint8_t)words;
    memset(packet + at, 0, (size_t)(4 * more));
    if (profile == ONE_BYTE)
        packet[at++] = (uint8_t)(one->number << 4 | (one->length - 1));
    else {
        packet[at++] = (uint8_t)one->number;
        packet[at++] = (uint8_t)one->length;
    }
    memcpy(packet + at, one->octets, (size_t)one->length);
    return size + head + 4 * more;
}

/* The section that a packet names in its header extension; `port->told` where none has that name,
 * NOBODYS where it names none. */
static int named_by(const struct port *port, const uint8_t *packet, int size)
{
    const uint8_t *name = NULL;
    int length = port->rule.mid_extension
                     ? element(packet, size, port->rule.mid_extension, &name)
                     : 0;
    if (!length)
        return NOBODYS;
    for (int at = 0; at < port->told; at++) {
        const struct forward_element *mid = &port->sections[at].told.mid;
        if (mid->length == length && !memcmp(mid->octets, name, (size_t)length))
            return at;
    }
    return port->told;
}

/* The SSRC that was heard of that section at the port where its other direction comes in. */
static uint32_t heard_back(struct forward_engine *engine, struct port *port, int section)
{
    const struct forward_section *told = &port->sections[section].told;
    struct port *back = place_of(engine, told->back);
    if (!back || atomic_load(&back->lock) != atomic_load(&port->lock) ||
        back->number != told->back)
        return 0;
    for (int at = 0; at < back->amount; at++)
        if (back->sections[at].told.name == told->name)
            return back->sections[at].heard.ssrc;
    return 0;
}

static int reported(struct forward_engine *engine, struct port *port, const uint8_t *packet,
                    int size)
{
    const struct source *sender = find_source(port, four(packet + 4));
    uint32_t about = size >= 12 ? four(packet + 8) : 0;
    if (sender && packet[1] == SENDER_REPORT)
        return sender->section;
    for (int at = 1; about && at < port->told; at++)
        if (heard_back(engine, port, at) == about)
            return at;
    return sender ? sender->section : 0;
}

/* Which section a packet belongs to; NOBODYS for what cannot be told. */
static int section_of(struct forward_engine *engine, struct port *port, const uint8_t *packet,
                      int size, int is_rtcp)
{
    int type = packet[1] & 0x7F, by_type = port->by_payload_type[type], is_listed, named;
    uint16_t sequence = two(packet + 2);
    struct source *known;
    if (port->told == 1)
        return 0;
    if (is_rtcp)
        return reported(engine, port, packet, size);
    if (size < RTP_HEADER)
        return by_type == SEVERAL ? NOBODYS : by_type;
    known = find_source(port, four(packet + 8));
    named = named_by(port, packet, size);
    if (named == port->told)
        return NOBODYS;
    if (named != NOBODYS &&
        (!known || known->named_by < 0 || (int16_t)(sequence - known->named_by) > 0))
        known = remember(port, four(packet + 8), named, sequence);
    is_listed = by_type || port->sections[0].told.payload_types[type];
    if (known && (port->sections[known->section].told.payload_types[type] || !is_listed))
        return known->section;
    if (by_type == SEVERAL)
        return NOBODYS;
    remember(port, four(packet + 8), by_type, -1);
    return by_type;
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
        port->counted.errors++;
        return;
    }
    if (side->is_connected)
        sent = send(side->fd, packet, (size_t)size, MSG_DONTWAIT);
    else
        sent = sendto(side->fd, packet, (size_t)size, MSG_DONTWAIT,
                      (const void *)side->to.octets, side->to.length);
    if (sent < 0)
        port->counted.errors++;
}

static void arrived(struct forward_engine *engine, struct port *port, uint8_t *packet, int size,
                    const struct forward_address *source)
{
    const struct forward_rule *rule = &port->rule;
    struct section *section;
    int which = 0;
    int is_media = size >= RTCP_HEADER && (packet[0] & 0xC0) == 0x80;
    int is_rtcp = is_media && packet[1] >= 192 && packet[1] <= 223;
    int came_as = size;
    if (rule->is_handed_up || !is_same(&rule->accepts, source) ||
        (!is_media && rule->is_only_media)) {
        if (!hand_up(engine, port->number, 0, 0, source, packet, size))
            port->counted.strangers++;
        return;
    }
    if (is_media && rule->unprotect.session &&
        (is_rtcp ? rule->unprotect.rtcp : rule->unprotect.rtp)(rule->unprotect.session, packet,
                                                               &size)) {
        port->counted.undecryptable++;
        return;
    }
    is_rtcp = is_rtcp && rule->is_rtp;
    if (is_media)
        which = section_of(engine, port, packet, size, is_rtcp);
    if (which == NOBODYS) {
        port->counted.errors++;
        return;
    }
    section = &port->sections[which];
    section->heard.packets++;
    section->heard.octets += (uint64_t)came_as;
    port->counted.packets++;
    port->counted.octets += (uint64_t)came_as;
    if (is_rtcp) {
        hand_up(engine, port->number, 1, section->told.name, source, packet, size);
        send_on(port, &section->told.rtcp, &section->told.rtcp_protect, 1, packet, size);
        return;
    }
    if (is_media && rule->is_rtp && size >= RTP_HEADER) {
        received(section, packet);
        if (section->told.names.length)
            size = put(packet, size, &section->told.names);
    }
    send_on(port, &section->told.rtp, &section->told.protect, 0, packet, size);
}

/* -- the threads */

/* The lane to which a datagram at a shared port belongs; 0: it has been dealt with. */
static uint64_t lane_of(struct forward_engine *engine, struct port *port, const uint8_t *packet,
                        int size, const struct forward_address *source)
{
    struct expected *found;
    if (size && packet[0] < 4) { /* STUN, which names its lane itself (RFC 7983) */
        hand_up(engine, port->number, 0, 0, source, packet, size);
        return 0;
    }
    found = *find(port->expected, source);
    if (!found)
        port->counted.strangers++;
    return found ? found->lane : 0;
}

/* What is there, up to a batch, into the worker's memory; the port is locked. Below 0: nothing. */
static int take_in(struct worker *worker, struct port *port)
{
    int amount;
    for (int at = 0; at < BATCH; at++)
        worker->heads[at].msg_hdr.msg_namelen = sizeof worker->sources[at].octets;
    amount = recvmmsg(port->fd, worker->heads, BATCH, MSG_DONTWAIT, NULL);
    for (int at = 0; at < amount; at++)
        worker->sources[at].length = worker->heads[at].msg_hdr.msg_namelen;
    return amount < 0 && errno != EAGAIN ? 0 : amount; /* an ICMP error of an earlier packet */
}

static void arrive(struct worker *worker, struct port *port, int at)
{
    arrived(worker->engine, port, worker->memory[at], (int)worker->heads[at].msg_len,
            &worker->sources[at]);
}

/* All that a socket has, for it is told but once that something came (EPOLLET); after so much of it
 * the others of the thread go first. */
static void serve(struct worker *worker, uint64_t number)
{
    struct forward_engine *engine = worker->engine;
    struct epoll_event again = {.events = EPOLLIN | EPOLLET, .data.u64 = number};
    for (int round = 0; round <= MOST_ROUNDS; round++) {
        struct port *port = locked(engine, number, 1), *lane;
        int amount = 0, is_shared;
        if (!port)
            return;
        if (round == MOST_ROUNDS)
            epoll_ctl(port->epoll, EPOLL_CTL_MOD, port->fd, &again);
        else
            amount = take_in(worker, port);
        is_shared = port->expected != NULL;
        for (int at = 0; at < amount; at++)
            if (is_shared)
                worker->lanes[at] = lane_of(engine, port, worker->memory[at],
                                            (int)worker->heads[at].msg_len, &worker->sources[at]);
            else
                arrive(worker, port, at);
        release(engine, port);
        for (int at = 0; is_shared && at < amount; at++)
            if (worker->lanes[at] && (lane = locked(engine, worker->lanes[at], 1))) {
                arrive(worker, lane, at);
                release(engine, lane);
            }
        if (amount && amount < BATCH)
            return;
    }
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    struct epoll_event events[EVENTS];
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE)) {
        /* only who may: then it runs as everybody does */
    }
    while (!atomic_load(&worker->engine->stopped)) {
        int amount = epoll_wait(worker->epoll, events, EVENTS, -1);
        for (int at = 0; at < amount; at++)
            if (events[at].data.u64 != NO_PORT)
                serve(worker, events[at].data.u64);
    }
    return NULL;
}

/* -- what native.py calls, from one thread */

static void forget(struct port *port)
{
    for (int at = 0; port->expected && at < BUCKETS; at++)
        while (port->expected[at]) {
            struct expected *one = port->expected[at];
            port->expected[at] = one->next;
            free(one);
        }
    free(port->expected);
    free(port->sections);
    port->expected = NULL;
    port->sections = NULL;
    port->number = 0;
    port->amount = port->told = port->known = port->oldest = 0;
    memset(&port->rule, 0, sizeof port->rule);
    memset(&port->counted, 0, sizeof port->counted);
}

static void let_go(struct forward_engine *engine)
{
    struct handed_up *one;
    while ((one = engine->first)) {
        engine->first = one->next;
        free(one);
    }
    for (int at = 0; at < CHUNKS; at++) {
        struct port *chunk = atomic_load(&engine->chunks[at]);
        for (int place = 0; chunk && place < CHUNK; place++)
            forget(&chunk[place]);
        free(chunk);
    }
    for (int at = 0; at < engine->threads; at++)
        close(engine->workers[at].epoll);
    free(engine->workers);
    close(engine->wake);
    close(engine->end);
    free(engine);
}

void forward_stop(struct forward_engine *engine)
{
    uint64_t end = 1;
    atomic_store(&engine->stopped, 1);
    if (write(engine->end, &end, sizeof end) < 0)
        return; /* cannot be: it is written once */
    for (int at = 0; at < engine->threads; at++)
        pthread_join(engine->workers[at].thread, NULL);
    let_go(engine);
}

static int begin(struct forward_engine *engine)
{
    struct worker *worker = &engine->workers[engine->threads];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = NO_PORT};
    worker->engine = engine;
    for (int at = 0; at < BATCH; at++) {
        worker->buffers[at] = (struct iovec){worker->memory[at], LARGEST};
        worker->heads[at].msg_hdr.msg_iov = &worker->buffers[at];
        worker->heads[at].msg_hdr.msg_iovlen = 1;
        worker->heads[at].msg_hdr.msg_name = worker->sources[at].octets;
    }
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (worker->epoll < 0 || epoll_ctl(worker->epoll, EPOLL_CTL_ADD, engine->end, &event) ||
        pthread_create(&worker->thread, NULL, run, worker)) {
        close(worker->epoll);
        return -1;
    }
    engine->threads++;
    return 0;
}

struct forward_engine *forward_start(int threads)
{
    pthread_mutexattr_t recursive;
    struct forward_engine *engine = calloc(1, sizeof *engine);
    threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    if (!engine)
        return NULL;
    engine->last = &engine->first;
    engine->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->end = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->workers = calloc((size_t)threads, sizeof *engine->workers);
    pthread_mutexattr_init(&recursive); /* native.py holds one while it calls what holds it */
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    for (int at = 0; at < LOCKS; at++)
        pthread_mutex_init(&engine->locks[at].mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_mutex_init(&engine->up_lock, NULL);
    for (int at = 0; engine->workers && at < threads; at++)
        if (begin(engine))
            break;
    if (engine->threads == threads)
        return engine;
    forward_stop(engine);
    return NULL;
}

int forward_wake(struct forward_engine *engine) { return engine->wake; }

/* Give a place to a port; its lock is held. */
static struct port *give(struct forward_engine *engine, uint32_t place, int fd, int thread)
{
    struct port *port = place_of(engine, place);
    struct port *chunk;
    if (place >= CHUNK * CHUNKS)
        return NULL;
    if (!port) {
        chunk = calloc(CHUNK, sizeof *chunk);
        if (!chunk)
            return NULL;
        for (uint32_t at = 0; at < CHUNK; at++)
            atomic_store(&chunk[at].lock, (int)at % LOCKS);
        atomic_store(&engine->chunks[place / CHUNK], chunk);
        port = &chunk[place % CHUNK];
    }
    forward_hold(engine, place);
    port->sections = calloc(1, sizeof *port->sections);
    if (!port->sections) {
        release(engine, port);
        return NULL;
    }
    port->amount = port->told = 1;
    port->sections->heard.next = port->sections->heard.base = -1;
    port->sections->pair_sequence = -1;
    port->fd = fd;
    port->epoll = engine->workers[thread % engine->threads].epoll;
    port->number = (uint64_t)++port->given << 32 | place;
    port->rule.is_handed_up = 1;
    return port;
}

static int watch(struct forward_engine *engine, struct port *port, uint64_t *number)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = port->number};
    int failed = epoll_ctl(port->epoll, EPOLL_CTL_ADD, port->fd, &event) ? errno : 0;
    *number = port->number;
    if (failed)
        forget(port);
    release(engine, port);
    return failed;
}

int forward_open(struct forward_engine *engine, uint32_t place, int fd, uint64_t *number)
{
    /* Neighbouring places are RTP and RTCP of one section: not the one to this, the other to that. */
    struct port *port = give(engine, place, fd, (int)((place * 0x9E3779B1u) >> 24));
    return port ? watch(engine, port, number) : ENOMEM;
}

int forward_share(struct forward_engine *engine, uint32_t place, int fd, int thread,
                  uint64_t *number)
{
    struct port *port = give(engine, place, fd, thread);
    if (!port)
        return ENOMEM;
    port->expected = calloc(BUCKETS, sizeof *port->expected);
    if (port->expected)
        return watch(engine, port, number);
    forget(port);
    release(engine, port);
    return ENOMEM;
}

int forward_lane(struct forward_engine *engine, uint32_t place, uint64_t *number)
{
    struct port *port = give(engine, place, -1, 0);
    if (!port)
        return ENOMEM;
    *number = port->number;
    release(engine, port);
    return 0;
}

int forward_expect(struct forward_engine *engine, uint64_t shared,
                   const struct forward_address *source, uint64_t lane)
{
    struct port *port = locked(engine, shared, 0);
    struct expected **at, *one;
    int failed = 0;
    if (!port)
        return EBADF;
    at = find(port->expected, source);
    one = *at;
    if (!lane) {
        if (one)
            *at = one->next;
        free(one);
    } else if (one || (*at = one = calloc(1, sizeof *one))) {
        one->source = *source;
        one->lane = lane;
    } else
        failed = ENOMEM;
    release(engine, port);
    return failed;
}

void forward_close(struct forward_engine *engine, uint64_t number)
{
    struct port *port = locked(engine, number, 0);
    if (!port)
        return;
    if (port->fd >= 0)
        epoll_ctl(port->epoll, EPOLL_CTL_DEL, port->fd, NULL);
    forget(port);
    release(engine, port);
}

static struct section *named(struct section *sections, int amount, int name)
{
    for (int at = 0; at < amount; at++)
        if (sections[at].told.name == name)
            return &sections[at];
    return NULL;
}

/* A port that nobody has told anything yet may have counted for a section without a name. */
static int has_counted(const struct section *section) { return section->heard.packets > 0; }

/* What is known of sources stays where their section does. */
static void keep_sources(struct port *port, struct section *fresh, int amount)
{
    int kept = 0;
    for (int at = 0; at < port->known; at++) {
        struct source *source = &port->sources[at];
        struct section *now =
            named(fresh, amount, port->sections[source->section].told.name);
        if (!now)
            continue;
        source->section = (int)(now - fresh);
        port->sources[kept++] = *source;
    }
    port->known = kept;
}

/* What tells the packets of its sections. */
static void learn(struct port *port)
{
    memset(port->by_payload_type, 0, sizeof port->by_payload_type);
    for (int type = 0; type < 128; type++)
        for (int at = 0, is_taken = 0; at < port->told; at++)
            if (port->sections[at].told.payload_types[type]) {
                port->by_payload_type[type] = is_taken ? SEVERAL : (uint8_t)at;
                is_taken = 1;
            }
    for (int at = 0; at < port->told; at++) {
        const struct forward_section *told = &port->sections[at].told;
        for (int one = 0; one < told->amount_of_sources; one++)
            if (!find_source(port, told->sources[one]))
                remember(port, told->sources[one], at, -1);
    }
}

static int tell(struct port *port, const struct forward_section *told, int amount)
{
    struct section *fresh = calloc((size_t)(amount + port->amount), sizeof *fresh);
    int count = amount;
    if (!fresh)
        return ENOMEM;
    for (int at = 0; at < amount; at++) {
        struct section *before = named(port->sections, port->amount, told[at].name);
        if (before)
            fresh[at] = *before;
        else
            fresh[at].heard.next = fresh[at].heard.base = fresh[at].pair_sequence = -1;
        fresh[at].told = told[at];
        fresh[at].is_gone = 0;
    }
    for (int at = 0; at < port->amount; at++)
        if (has_counted(&port->sections[at]) &&
            !named(fresh, amount, port->sections[at].told.name)) {
            fresh[count] = port->sections[at];
            fresh[count++].is_gone = 1;
        }
    keep_sources(port, fresh, amount);
    free(port->sections);
    port->sections = fresh;
    port->amount = count;
    port->told = amount;
    learn(port);
    return 0;
}

int forward_follow(struct forward_engine *engine, uint64_t number, const struct forward_rule *rule,
                   const struct forward_section *sections, int amount)
{
    struct port *port = locked(engine, number, 0);
    int failed = 0;
    if (!port)
        return 0;
    if (amount)
        failed = tell(port, sections, amount);
    if (!failed)
        port->rule = *rule;
    release(engine, port);
    return failed;
}

void forward_counted(struct forward_engine *engine, uint64_t number, int name,
                     struct forward_counters *into)
{
    struct port *port = locked(engine, number, 0);
    struct section *section;
    memset(into, 0, sizeof *into);
    if (!port)
        return;
    section = named(port->sections, port->amount, name);
    if (name < 0)
        *into = port->counted;
    else if (section)
        *into = section->heard;
    into->errors = port->counted.errors;
    into->strangers = port->counted.strangers;
    into->undecryptable = port->counted.undecryptable;
    release(engine, port);
}
