/* What media/forward/native.py and forward.c say to each other. native.py reads this file: it has
 * nothing but declarations, and lines that begin with a number sign are passed over. */
#include <stdint.h>

struct forward_engine;

/* A sockaddr_in or sockaddr_in6; length 0: none. */
struct forward_address {
    uint32_t length;
    uint32_t octets[7];
};

/* Where packets go: through which socket, and whether that is connected to just there. */
struct forward_side {
    struct forward_address to;
    int fd;
    int is_connected;
};

/* libsrtp's session and its two functions, srtp_protect and its kind; session NULL: plain. */
struct forward_transform {
    void *session;
    int (*rtp)(void *session, void *packet, int *length);
    int (*rtcp)(void *session, void *packet, int *length);
};

/* media/forward/rule.py, without what is handed up anyway: is_handed_up takes everything there,
 * is_only_media all that is neither RTP nor RTCP. */
struct forward_rule {
    struct forward_address accepts;
    struct forward_transform unprotect;
    int is_handed_up;
    int is_only_media;
    int is_rtp;
    int mid_extension;
};

/* The content of an element of an RTP header extension; length 0: none. */
struct forward_element {
    int number;
    int length;
    uint8_t octets[16];
};

/* What becomes of the packets of one section: `name` is its number, `back` the port at which what it
 * answers comes in. Its own packets are told by `mid`, `sources` and `payload_types` where a port has
 * several, as in media/forward/rule.py. */
struct forward_section {
    int name;
    struct forward_element mid;
    struct forward_element names;
    int amount_of_sources;
    uint32_t sources[16];
    struct forward_side rtp;
    struct forward_side rtcp;
    struct forward_transform protect;
    struct forward_transform rtcp_protect;
    uint64_t back;
    uint8_t payload_types[128];
    uint32_t clock_rates[128];
};

/* Of one section, but errors, strangers and undecryptable, which are the port's.
 * media/rtp/stats.py's Reception is the last seven. */
struct forward_counters {
    uint64_t packets;
    uint64_t octets;
    uint64_t errors;
    uint64_t strangers;
    uint64_t undecryptable;
    int64_t next;
    int64_t base;
    int64_t expected_before;
    int64_t rtp_packets;
    uint32_t ssrc;
    double jitter_seconds;
};

/* A datagram that is handed up: as it came, or (is_report) RTCP that was decrypted and sent on. */
struct forward_packet {
    uint64_t port;
    int is_report;
    int section;
    int size;
    uint16_t source_port;
    char source_host[46];
};

/* Start so many threads; NULL: they cannot be had. */
struct forward_engine *forward_start(int threads);
void forward_stop(struct forward_engine *engine);

/* A descriptor that is readable while something is handed up. */
int forward_wake(struct forward_engine *engine);
/* The next of it, its datagram into at least 65,535 octets; 0: nothing more. */
int forward_take(struct forward_engine *engine, struct forward_packet *head, uint8_t *octets);

/* Between these two no thread touches a packet of this port or of one that has joined it, nor an
 * SRTP session of theirs. May be nested; release what hold gave. */
int forward_hold(struct forward_engine *engine, uint64_t number);
void forward_release(struct forward_engine *engine, int held);
/* Both belong to one call from now on. */
void forward_join(struct forward_engine *engine, uint64_t number, uint64_t other);

/* Read a socket from now on, which stays its owner's; 0, or an errno. A place is used by one port
 * at a time. Everything is handed up until there is a rule. */
int forward_open(struct forward_engine *engine, uint32_t place, int fd, uint64_t *number);
/* The same for a socket that lanes share, read by the thread of that number. STUN that comes to it
 * is handed up, and what comes from where no lane expects anything is dropped. */
int forward_share(struct forward_engine *engine, uint32_t place, int fd, int thread,
                  uint64_t *number);
/* A port without a socket: its packets are those that a shared one finds to be its own. */
int forward_lane(struct forward_engine *engine, uint32_t place, uint64_t *number);
/* Packets of that source are the lane's from now on; lane 0: nobody's. 0, or an errno. */
int forward_expect(struct forward_engine *engine, uint64_t shared,
                   const struct forward_address *source, uint64_t lane);
/* Read it no longer: it may be closed. */
void forward_close(struct forward_engine *engine, uint64_t number);
/* The first section is that of all packets which are none of the others'; 0, or an errno. */
int forward_follow(struct forward_engine *engine, uint64_t number, const struct forward_rule *rule,
                   const struct forward_section *sections, int amount);
/* Of a section that the port has or had; name below 0: packets and octets of all together. */
void forward_counted(struct forward_engine *engine, uint64_t number, int name,
                     struct forward_counters *into);

/* An address in text as the kernel takes it; 0: that is none. */
int forward_read_address(const char *host, uint16_t port, struct forward_address *into);
