/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "bytes.h"
#include "result.h"

/* Media packets: headers, bundles of typed elements, trunks (docs/PROTOCOL.md has the bytes). */

/* What a datagram is, from its first byte. */
typedef enum {
  WZP_DATAGRAM_UNKNOWN,
  WZP_DATAGRAM_STUN,       /* 0x00-0x03 */
  WZP_DATAGRAM_HS1,        /* 0x40 */
  WZP_DATAGRAM_HS2,        /* 0x41 */
  WZP_DATAGRAM_HS3,        /* 0x42 */
  WZP_DATAGRAM_COOKIE,     /* 0x43 */
  WZP_DATAGRAM_CONTROL,    /* 0x44 */
  WZP_DATAGRAM_TRUNK,      /* 0x45 */
  WZP_DATAGRAM_PATH_PROBE, /* 0x46 */
  WZP_DATAGRAM_PAIRWISE,   /* 0x47: on a direct path only */
  WZP_DATAGRAM_MEDIA       /* 0x80-0xff */
} WzpDatagramKind;
#define WZP_PAIRWISE_BYTE 0x47
WzpDatagramKind wzp_datagram_kind(const uint8_t *data, size_t length);

#define WZP_IP_UDP_SIZE 28 /* of IPv4; what "all-in" counts with each datagram */
#define WZP_HEADER_MINI_SIZE 4
#define WZP_HEADER_FULL_SIZE 12
#define WZP_SLOT_MAX 249

/* Flags of the full header. Unknown bits are ignored when read and sent as zero. */
#define WZP_FLAG_TALK_START 0x01 /* first packets after silence or start */

typedef struct {
  bool full;
  uint8_t epoch_low; /* 2 bits; of a full header they equal the low bits of epoch8 */
  uint8_t code;      /* CCCC, profile.h */
  uint8_t slot;
  uint16_t seq;
  uint32_t timestamp; /* full only: media time of the first frame, ms, wraps */
  uint8_t epoch8;     /* full only: low 8 bits of the epoch */
  uint8_t flags;      /* full only */
} WzpHeader;

/* Reads the header at the start of a media packet. *header_length is 4 or 12. A full header whose
 * bytes 10-11 are not zero, or whose epoch bits disagree, is WZP_MALFORMED; reserved codes are
 * WZP_UNKNOWN_KIND. The rest of the packet is not looked at. */
WzpResult wzp_header_parse(WzpHeader *header, const uint8_t *packet, size_t length,
                           size_t *header_length);
/* Writes 4 or 12 bytes; out has room for 12. Returns the length. */
size_t wzp_header_write(const WzpHeader *header, uint8_t out[WZP_HEADER_FULL_SIZE]);

/* A bundle is the sealed payload: a run of elements. An element starts with one byte,
 * type(4 bits) | form(4 bits). Form 0: the body is the rest of the bundle. Form 1: one length byte
 * follows. Form 2: two. Other forms end the bundle as malformed. An unknown type is skipped. */
typedef enum {
  WZP_ELEMENT_PADDING = 0, /* body ignored */
  WZP_ELEMENT_FRAMES = 1,  /* the packet's frames, all of one length, as CCCC says */
  WZP_ELEMENT_REPAIR = 2,  /* repair symbols for older frames */
  WZP_ELEMENT_REPORT = 3,  /* receiver's report */
  WZP_ELEMENT_COMFORT = 4, /* what the room sounds like, comfort-noise.h */
  WZP_ELEMENT_N
} WzpElementType;

typedef struct {
  uint8_t type; /* WzpElementType, or one that this version does not know */
  const uint8_t *data;
  size_t length;
} WzpElement;

/* An iterator over a bundle: init once, next until it returns false, then look at result. */
typedef struct {
  WzpReader reader;
  WzpResult result; /* WZP_OK, WZP_TRUNCATED or WZP_MALFORMED */
} WzpBundleReader;
void wzp_bundle_reader_init(WzpBundleReader *bundle, const void *data, size_t length);
bool wzp_bundle_reader_next(WzpBundleReader *bundle, WzpElement *element);
/* Appends an element. last: form 0 (shortest), and nothing may follow. */
void wzp_bundle_write(WzpWriter *writer, uint8_t type, const void *data, size_t length, bool last);

/* Trunk: 0x45 | (length(2) | media packet)+ (PROTOCOL.md 10). One bad length drops all: check with
 * wzp_trunk_valid() before the first entry is used. Entries are media packets only: no nesting. */
bool wzp_trunk_valid(const uint8_t *data, size_t length);
/* *position starts at 0. False at the end. */
bool wzp_trunk_next(const uint8_t *data, size_t length, size_t *position, const uint8_t **packet,
                    size_t *packet_length);
/* Starts a trunk on an empty writer / appends one packet; false when it does not fit (unchanged). */
bool wzp_trunk_append(WzpWriter *writer, const uint8_t *packet, size_t length);

/* The number of a media packet, of the first one of a trunk; 0 when the datagram is too short to have one. */
uint16_t wzp_datagram_seq(const uint8_t *datagram, size_t length);

/* The keys of a session's hop trailers: another one each time that seq wrapped, so that what somebody recorded a
 * wrap ago has no good tag and cannot look like what comes next. wraps counts from the wrap of the session's
 * first media, which has the handshake's key. Four are kept, so that nobody can make us derive again and again. */
typedef struct {
  uint8_t first[16];
  struct {
    uint8_t key[16];
    uint32_t wraps;
  } cached[4]; /* by wraps modulo 4 */
} WzpHopKeys;
void wzp_hop_keys_init(WzpHopKeys *keys, const uint8_t hop_key[16]);
const uint8_t *wzp_hop_keys_at(WzpHopKeys *keys, uint32_t wraps);

/* Hop trailer, client to relay: session id(4) | first 4 bytes of SipHash-2-4 under the hop key over
 * all before (PROTOCOL.md 10). */
#define WZP_TRAILER_SIZE 8
/* Appends 8 bytes behind length bytes of datagram. */
void wzp_trailer_append(uint8_t *datagram, size_t length, const uint8_t session_id[4],
                        const uint8_t hop_key[16]);
/* length includes the trailer; false also when it is shorter than 8. Constant time. */
bool wzp_trailer_check(const uint8_t *datagram, size_t length, const uint8_t hop_key[16]);
