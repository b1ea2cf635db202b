/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench-util.h"
#include "wzp/path.h"
#include <glib.h>
#include <string.h>

/* What the choice between relay and direct path costs of a core: two sides in virtual time, a settled direct path, 50
 * packets a second each way, and all that a client asks of its path meanwhile. Without sockets, sealing and opening, which
 * are there by either way.
 *
 *   bench-path [SECONDS of virtual time, 2000] */

#define PACKET 100
#define PACKET_TIME (20 * WZP_MSEC)
#define WAY_TIME WZP_MSEC

typedef struct {
  WzpPath *path;
  uint32_t packets;
} Side;

static void
make(Side *side, bool initiator)
{
  WzpPathConfig config = {.initiator = initiator};
  memset(config.send_key, initiator ? 1 : 2, sizeof config.send_key);
  memset(config.receive_key, initiator ? 2 : 1, sizeof config.receive_key);
  side->path = wzp_path_new(&config, 0);
  side->packets = 0;
}

/* What one side says goes to the other; no agents: they are connected from the start. */
static void
pump(Side *from, Side *to, WzpTime now)
{
  WzpPathOutput output;
  while (wzp_path_poll(from->path, now, &output)) {
    if (output.type == WZP_PATH_AGENT_START)
      wzp_path_connected(from->path, now, output.k, true);
    else if (output.type == WZP_PATH_SEND_PROBE)
      wzp_path_probe(to->path, now + WAY_TIME, output.k, output.data, output.length);
    else if (output.type == WZP_PATH_SEND_MESSAGE)
      wzp_path_receive(to->path, now + WAY_TIME, output.data, output.length);
  }
}

static void
say(Side *from, Side *to, WzpTime now)
{
  uint8_t packet[PACKET] = {0xc0, 0};
  uint16_t k;
  uint32_t number = from->packets++;
  packet[2] = (uint8_t)(number >> 8);
  packet[3] = (uint8_t)number;
  number *= 2654435761u; /* a tag is random */
  memcpy(packet + PACKET - 8, &number, sizeof number);
  unsigned ways = wzp_path_route(from->path, now, &k);
  if (ways & WZP_WAY_DIRECT && wzp_path_arrived(to->path, now, WZP_WAY_DIRECT, k, packet, PACKET))
    wzp_path_opened(to->path, now, packet, PACKET, PACKET_TIME);
}

static void
tick(Side *side, Side *other, WzpTime now)
{
  wzp_path_set_relay(side->path, now, true, 60 * WZP_MSEC);
  if (now >= wzp_path_next_timeout(side->path))
    wzp_path_handle_timeout(side->path, now);
  pump(side, other, now);
}

int
main(int argc, char **argv)
{
  unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;
  Side sides[2];
  WzpTime now = 0;
  bench_require(seconds > 10, "more than 10 seconds are needed");
  for (unsigned i = 0; i < 2; i++)
    make(&sides[i], i == 0);
  double start = 0;
  for (unsigned n = 0; n < seconds * 50; n++, now += PACKET_TIME) {
    if (n == 500)
      start = bench_now_ns();
    for (unsigned i = 0; i < 2; i++) {
      /* before and after what is sent and what comes, as a client does */
      tick(&sides[i], &sides[1 - i], now);
      say(&sides[i], &sides[1 - i], now);
      tick(&sides[i], &sides[1 - i], now);
    }
  }
  double spent = (bench_now_ns() - start) / 2; /* of one side */
  WzpPathStats stats;
  wzp_path_get_stats(sides[0].path, now, &stats);
  bench_require(stats.direct && stats.switches == 1 && stats.silences == 0, "it is not settled");
  printf("%.4f %% of a core, %.0f ns a packet sent and one received, with %.2f probes a second\n",
         100 * spent / ((seconds - 10) * 1e9), spent / ((seconds - 10) * 50.0),
         (double)stats.probes_sent / seconds);
  for (unsigned i = 0; i < 2; i++)
    wzp_path_free(sides[i].path);
  return 0;
}
