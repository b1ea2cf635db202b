/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "packet.h"
#include "path-private.h"
#include <string.h>

/* Media of the other side: by which way they come, and how regularly. */

#define MEDIA_ELSEWHERE 50 /* packets that did not come by a way */

static WzpPathSeen *
seen_entry(WzpPath *path, const uint8_t *packet, size_t length, uint64_t *mark)
{
  /* the end of the tag: what is random in every packet */
  memcpy(mark, packet + length - sizeof *mark, sizeof *mark);
  return &path->seen[*mark % WZP_PATH_SEEN];
}

/* A packet is known to be the other side's, and came by these ways. */
static void
heard_by(WzpPath *path, WzpTime now, uint8_t ways, uint16_t number)
{
  if (ways & 1) {
    path->relay_heard = now;
    wzp_path_loss_add(&path->relay_loss, &path->relay_numbers, now, number);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++) {
    WzpPathAttempt *one = &path->attempts[i];
    if (ways & (2u << i)) {
      one->heard = now;
      one->carries = true;
      one->without = 0;
      wzp_path_loss_add(&one->loss, &one->media_numbers, now, number);
    } else if (++one->without >= MEDIA_ELSEWHERE) {
      one->carries = false; /* the other side sends by the relay, and not here */
    }
  }
}

bool
wzp_path_arrived(WzpPath *path, WzpTime now, WzpWay way, uint16_t k, const uint8_t *packet,
                 size_t length)
{
  uint64_t mark;
  uint8_t bit = (uint8_t)(way == WZP_WAY_RELAY ? 1u : 2u << (k % 2));
  if (length < sizeof mark)
    return true;
  WzpPathSeen *entry = seen_entry(path, packet, length, &mark);
  if (entry->mark != mark)
    *entry = (WzpPathSeen){.mark = mark};
  bool came_so = (entry->ways & bit) != 0;
  entry->ways |= bit;
  if (!entry->opened)
    return true;
  path->stats.copies++;
  if (!came_so) /* else it is the network that doubles */
    heard_by(path, now, bit, wzp_datagram_seq(packet, length));
  return false;
}

/* RFC 3550 section 6.4.1, against the interval that the packets have. */
static void
measure_jitter(WzpPath *path, WzpTime now, WzpTime interval)
{
  if (interval > 0 && interval == path->interval && path->last_opened != WZP_NEVER) {
    WzpTime off = ABS(now - path->last_opened - interval);
    if (off < WZP_SECOND) /* else it is a loss */
      path->jitter += (off - path->jitter) / 16;
  }
  if (path->talked && interval > 0)
    path->stats.longest_gap = MAX(path->stats.longest_gap, now - path->last_opened);
  path->talked = interval > 0;
  path->last_opened = now;
}

unsigned
wzp_path_opened(WzpPath *path, WzpTime now, const uint8_t *packet, size_t length, WzpTime interval)
{
  uint64_t mark;
  if (length < sizeof mark)
    return 0;
  WzpPathSeen *entry = seen_entry(path, packet, length, &mark);
  measure_jitter(path, now, interval);
  path->interval = interval;
  if (entry->mark != mark) /* so many others came meanwhile */
    return 0;
  entry->opened = true;
  heard_by(path, now, entry->ways, wzp_datagram_seq(packet, length));
  return (entry->ways & 1 ? WZP_WAY_RELAY : 0) | (entry->ways & ~1 ? WZP_WAY_DIRECT : 0);
}
