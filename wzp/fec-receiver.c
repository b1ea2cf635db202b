/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-receiver-private.h"
#include "comfort-noise.h"
#include "fec-private.h"
#include "gf256.h"
#include <glib.h>
#include <string.h>

/* What a stream may say of itself: numbers are made of these and never overflow. */
#define INDEX_MAX (UINT64_C(1) << 56)
#define MEDIA_MS_MAX (UINT64_C(1) << 43)
#define RESTART_AFTER 3 /* packets in a row that are older */
#define PLAYOUT_UNIT (10 * WZP_MSEC)

static WzpFecPlace
place_of(uint64_t index, unsigned i)
{
  return index * WZP_FEC_OWN_MAX + i + 1; /* 0: none */
}

WzpFecReceiver *
wzp_fec_receiver_new(void)
{
  WzpFecReceiver *receiver = g_new0(WzpFecReceiver, 1);
  receiver->elimination = wzp_elimination_new(WZP_FEC_SYMBOL_SIZE);
  receiver->reception = wzp_reception_new();
  return receiver;
}

void
wzp_fec_receiver_free(WzpFecReceiver *receiver)
{
  if (receiver == NULL)
    return;
  wzp_elimination_free(receiver->elimination);
  wzp_reception_free(receiver->reception);
  g_free(receiver);
}

void
wzp_fec_receiver_reset(WzpFecReceiver *receiver)
{
  WzpElimination *elimination = receiver->elimination;
  WzpFecReceiverStats stats = receiver->stats;
  wzp_elimination_reset(elimination);
  wzp_reception_free(receiver->reception);
  *receiver = (WzpFecReceiver){
      .elimination = elimination, .reception = wzp_reception_new(), .stats = stats};
}

static bool
is_long_ago(const WzpFecReceiver *receiver, uint64_t index)
{
  return receiver->newest >= WZP_FEC_PAST && index <= receiver->newest - WZP_FEC_PAST;
}

/* Not of what is long ago: that would take the place of a newer one. */
static WzpFecPacketPast *
past_of(WzpFecReceiver *receiver, uint64_t index)
{
  WzpFecPacketPast *past = &receiver->past[index % WZP_FEC_PAST];
  if (past->index != index)
    *past = (WzpFecPacketPast){.index = index};
  return past;
}

static void
restart(WzpFecReceiver *receiver)
{
  wzp_fec_receiver_reset(receiver);
  receiver->stats.restarts++;
}

/* A packet comes once, and not long after its turn. One that is there again is of another stream, whose numbers begin
 * anew, and so are some in a row that would be too late; one alone may have been held back. */
static WzpResult
note_packet(WzpFecReceiver *receiver, uint64_t index)
{
  if (index > INDEX_MAX)
    return WZP_MALFORMED;
  if (is_long_ago(receiver, index)) {
    if (++receiver->n_long_ago < RESTART_AFTER)
      return WZP_TOO_OLD;
    restart(receiver);
  } else if (past_of(receiver, index)->came) {
    restart(receiver);
  }
  past_of(receiver, index)->came = true;
  receiver->newest = MAX(receiver->newest, index);
  receiver->n_long_ago = 0;
  return WZP_OK;
}

/* Frames */

/* Whether a number stands for the frame at a place, as far as is known. */
static bool
may_stand_for(const WzpFecReceiver *receiver, uint64_t number, WzpFecPlace place)
{
  const WzpFecColumn *column = &receiver->columns[number % WZP_ELIMINATION_COLUMNS];
  return column->place == 0 || column->number != number || column->place == place;
}

static void
let_stand_for(WzpFecReceiver *receiver, const WzpFecColumn *said)
{
  WzpFecColumn *column = &receiver->columns[said->number % WZP_ELIMINATION_COLUMNS];
  if (column->place == 0 || column->number < said->number)
    *column = *said;
}

/* A frame that came is known to the equations, unless its number stands for another: its media time, or that one's,
 * was reckoned from a header too old. */
static void
know(WzpFecReceiver *receiver, const WzpFecFrame *frame, WzpFecPlace place)
{
  uint8_t symbol[WZP_FEC_SYMBOL_SIZE] = {(uint8_t)(frame->length >> 8), (uint8_t)frame->length};
  const WzpFecColumn column = {frame->number, place, frame->code, frame->media_ms};
  if (frame->length > WZP_FEC_FRAME_MAX) /* has no place in repair */
    return;
  if (!may_stand_for(receiver, frame->number, place)) {
    receiver->stats.misplaced++;
    return;
  }
  let_stand_for(receiver, &column);
  memcpy(symbol + 2, frame->data, frame->length);
  wzp_fec_receiver_judge_leaving(receiver, frame->number + 1);
  wzp_elimination_know(receiver->elimination, frame->number, symbol, frame->length + 2);
  if (!receiver->judging)
    receiver->judged = frame->number;
  receiver->judging = true;
}

static WzpResult
read_frames(WzpFecReceiver *receiver, const WzpFecPacketInfo *info, const WzpFraming *framing,
            const WzpFecNumbers *numbers, const WzpElement *element)
{
  unsigned n = framing->frames_per_packet;
  if (n == 0 || n > WZP_FEC_OWN_MAX || receiver->n_own > 0 || element->length == 0 ||
      element->length % n != 0)
    return WZP_MALFORMED;

  size_t length = element->length / n;
  for (unsigned i = 0; i < n; i++) {
    WzpFecFrame frame = {
        .number = numbers->first + i,
        .code = (uint8_t)wzp_fec_frame_code(framing),
        .has_media_ms = info->has_media_ms,
        .media_ms = info->has_media_ms ? info->media_ms + i * framing->frame_ms : 0,
        .waited_ms = (n - 1 - i) * framing->frame_ms,
        .data = element->data + i * length,
        .length = length,
    };
    WzpFecPlace place = place_of(info->index, i);
    if (numbers->certain)
      know(receiver, &frame, place);
    receiver->own_places[receiver->n_own] = place;
    receiver->own[receiver->n_own++] = frame;
  }
  return WZP_OK;
}

/* A descriptor is numbered like a frame: whoever plays it knows that it was not lost, and what follows is silence. In a packet
 * without audio it is said again, for those who have not heard that there is silence. */
static WzpResult
read_comfort(WzpFecReceiver *receiver, const WzpFecPacketInfo *info, const WzpElement *element,
             bool *numbered)
{
  bool again = info->code == WZP_CODE_NO_AUDIO;
  WzpFecNumbers numbers;
  if ((info->code != WZP_CODE_COMFORT_NOISE && !again) || *numbered ||
      element->length < WZP_COMFORT_SIZE)
    return WZP_MALFORMED;
  if (again && wzp_fec_runs_silent(&receiver->runs))
    return WZP_OK;
  if (!wzp_fec_runs_comfort(&receiver->runs, info, &numbers))
    return again ? WZP_OK : WZP_TOO_OLD;
  *numbered = true;
  WzpFecFrame frame = {
      .number = numbers.first,
      .code = WZP_CODE_COMFORT_NOISE,
      .has_media_ms = true,
      .media_ms = info->media_ms,
      .data = element->data,
      .length = element->length,
  };
  WzpFecPlace place = place_of(info->index, 0);
  know(receiver, &frame, place);
  receiver->own_places[receiver->n_own] = place;
  receiver->own[receiver->n_own++] = frame;
  return WZP_OK;
}

/* Repair */

static void
add_symbol(WzpFecReceiver *receiver, uint64_t first, unsigned window, const uint8_t *row,
           const WzpFecElement *element, unsigned j)
{
  uint8_t symbol[WZP_FEC_SYMBOL_SIZE];
  size_t lead = element->lengths ? 0 : 2;
  if (!element->lengths) { /* all frames have the length of the symbol */
    uint8_t sum = 0;
    for (unsigned i = 0; i < window; i++)
      sum ^= row[i];
    symbol[0] = wzp_gf256_multiply(sum, (uint8_t)(element->symbol_length >> 8));
    symbol[1] = wzp_gf256_multiply(sum, (uint8_t)element->symbol_length);
  }
  memcpy(symbol + lead, element->symbols + j * element->symbol_length, element->symbol_length);

  switch (wzp_elimination_add(receiver->elimination, first, window, row, symbol,
                              lead + element->symbol_length)) {
  case WZP_OK:
    break;
  case WZP_TOO_OLD:
    receiver->stats.late_repairs++;
    break;
  default:
    receiver->stats.redundant++;
  }
}

/* The place of the frame that is `back` frames before the first one of the packet `index`, all packets in between
 * having as many. 0: there is none. */
static WzpFecPlace
place_before(uint64_t index, unsigned frames_per_packet, unsigned back)
{
  unsigned packets = (back + frames_per_packet - 1) / frames_per_packet;
  return packets > index ? 0 : place_of(index - packets, packets * frames_per_packet - back);
}

/* Frames behind the newest of a window in its packet. */
static unsigned
behind_of(const WzpFecElement *element)
{
  return element->offset & ((1u << WZP_FEC_BEHIND_BITS) - 1);
}

/* Finds the numbers of a window, by its media time, and lets them stand for its frames. False: nothing can be done
 * with what it says. */
static bool
find_window(WzpFecReceiver *receiver, const WzpFecPacketInfo *info, const WzpFraming *framing,
            const WzpFecElement *element, uint64_t *first)
{
  unsigned back = element->offset + 1;
  uint64_t distance = (uint64_t)back * framing->frame_ms, from = info->index;
  if (element->other_framing) {
    unsigned packets = element->offset >> WZP_FEC_BEHIND_BITS;
    back = behind_of(element) + 1;
    distance = element->distance;
    from = info->index + 1 - MIN(info->index + 1, packets);
  }
  uint64_t newest_ms = info->media_ms - distance;
  if (!info->has_media_ms || info->media_ms < distance ||
      !wzp_fec_runs_window(&receiver->runs, info->index, framing, newest_ms, element->window,
                           first))
    return false;

  WzpFecPlace places[WZP_FEC_WINDOW_MAX];
  for (unsigned i = 0; i < element->window; i++) {
    places[i] = place_before(from, framing->frames_per_packet, back + element->window - 1 - i);
    if (places[i] == 0)
      return false;
    if (!may_stand_for(receiver, *first + i, places[i])) {
      receiver->stats.misplaced += element->n_symbols;
      return false;
    }
  }
  for (unsigned i = 0; i < element->window; i++) {
    uint64_t before_newest = (uint64_t)(element->window - 1 - i) * framing->frame_ms;
    const WzpFecColumn column = {*first + i, places[i], (uint8_t)wzp_fec_frame_code(framing),
                                 newest_ms - MIN(newest_ms, before_newest)};
    let_stand_for(receiver, &column);
  }
  return true;
}

static WzpResult
read_repair(WzpFecReceiver *receiver, const WzpFecPacketInfo *info, const WzpFraming *framing,
            const WzpElement *body)
{
  WzpFecElement element;
  WzpResult result = wzp_fec_element_parse(&element, body->data, body->length);
  if (result != WZP_OK)
    return result;
  if (element.other_framing)
    framing = wzp_framing_from_code(element.code);
  if (framing->frame_ms == 0 ||
      (element.other_framing && behind_of(&element) >= framing->frames_per_packet) ||
      element.symbol_length > WZP_FEC_SYMBOL_SIZE - (element.lengths ? 0u : 2u))
    return WZP_MALFORMED;

  uint64_t first;
  receiver->stats.repair_symbols += element.n_symbols;
  if (!find_window(receiver, info, framing, &element, &first)) {
    receiver->stats.late_repairs += element.n_symbols;
    return WZP_OK;
  }
  if (!element.other_framing)
    wzp_fec_receiver_note_reach(receiver, (element.offset + element.window) * framing->frame_ms);
  wzp_fec_receiver_judge_leaving(receiver, first + element.window);

  uint8_t row[WZP_FEC_WINDOW_MAX] = {1};
  for (unsigned j = 0; j < element.n_symbols; j++) {
    if (element.copies) {
      add_symbol(receiver, first + j, 1, row, &element, j);
    } else {
      wzp_raptorq_row(element.window, element.window + element.esi_step + j, row);
      add_symbol(receiver, first, element.window, row, &element, j);
    }
  }
  return WZP_OK;
}

/* Bundles */

static void
note_time(WzpFecReceiver *receiver, const WzpFecPacketInfo *info)
{
  if (!info->has_media_ms || (receiver->has_time && info->index < receiver->newest_index))
    return;
  receiver->has_time = true;
  receiver->newest_index = info->index;
  receiver->newest_ms = info->media_ms;
}

static WzpResult
read_report(WzpFecReceiver *receiver, const WzpElement *element)
{
  WzpReport report;
  WzpResult result = wzp_report_parse(&report, element->data, element->length);
  if (result == WZP_OK && receiver->n_reports < WZP_REPORTS_MAX)
    receiver->reports[receiver->n_reports++] = report;
  return result;
}

static WzpResult
read_element(WzpFecReceiver *receiver, const WzpFecPacketInfo *info, const WzpFraming *framing,
             const WzpFecNumbers *numbers, const WzpElement *element, bool *numbered)
{
  switch (element->type) {
  case WZP_ELEMENT_PADDING:
    return WZP_OK;
  case WZP_ELEMENT_FRAMES:
    return read_frames(receiver, info, framing, numbers, element);
  case WZP_ELEMENT_REPAIR:
    return read_repair(receiver, info, framing, element);
  case WZP_ELEMENT_COMFORT:
    return read_comfort(receiver, info, element, numbered);
  case WZP_ELEMENT_REPORT:
    return read_report(receiver, element);
  default:
    receiver->stats.unknown_elements++;
    return WZP_OK;
  }
}

static WzpResult
read_bundle(WzpFecReceiver *receiver, const WzpFecPacketInfo *info, const uint8_t *bundle,
            size_t length)
{
  const WzpFraming *framing = wzp_framing_from_code(info->code);
  WzpFecNumbers numbers = {0};
  if (framing == NULL || (info->has_media_ms && info->media_ms > MEDIA_MS_MAX))
    return WZP_MALFORMED;
  bool numbered = framing->frames_per_packet > 0;
  if (numbered && !wzp_fec_runs_packet(&receiver->runs, info, framing, &numbers))
    return WZP_TOO_OLD;
  note_time(receiver, info);
  wzp_fec_receiver_age_reach(receiver);

  WzpBundleReader reader;
  WzpElement element;
  WzpResult result = WZP_OK;
  wzp_bundle_reader_init(&reader, bundle, length);
  while (result == WZP_OK && wzp_bundle_reader_next(&reader, &element))
    result = read_element(receiver, info, framing, &numbers, &element, &numbered);
  if (!numbered) /* not before: those missing before it are counted without it */
    wzp_fec_runs_no_frames(&receiver->runs, info->index);
  return result != WZP_OK ? result : reader.result;
}

static void
note_media(WzpFecReceiver *receiver, WzpTime now, const WzpFecPacketInfo *info)
{
  unsigned lasts = wzp_framing_packet_ms(info->code);
  if (lasts == 0 || !info->has_media_ms || info->talk_start)
    return;
  wzp_reception_media(receiver->reception, now, info->media_ms, lasts);
}

WzpResult
wzp_fec_receiver_push(WzpFecReceiver *receiver, WzpTime now, const WzpFecPacketInfo *info,
                      const uint8_t *bundle, size_t length)
{
  receiver->n_own = receiver->next_own = 0;
  receiver->n_reports = receiver->next_report = 0;
  receiver->stats.packets++;
  WzpResult result = note_packet(receiver, info->index);
  if (result == WZP_OK) {
    wzp_reception_packet(receiver->reception, now, info->index);
    note_media(receiver, now, info);
    result = read_bundle(receiver, info, bundle, length);
  }
  if (result == WZP_TOO_OLD)
    receiver->stats.late_packets++;
  else if (result != WZP_OK)
    receiver->stats.malformed++;
  wzp_fec_receiver_judge(receiver);
  return result;
}

/* Takes a solved symbol apart. False: it is none that a sender makes. */
static bool
read_symbol(const WzpFecColumn *column, const uint8_t *symbol, WzpFecFrame *frame)
{
  size_t length = (size_t)symbol[0] << 8 | symbol[1];
  if (length == 0 || length > WZP_FEC_FRAME_MAX)
    return false;
  for (size_t i = 2 + length; i < WZP_FEC_SYMBOL_SIZE; i++) {
    if (symbol[i] != 0)
      return false;
  }
  *frame = (WzpFecFrame){
      .number = column->number,
      .code = column->code,
      .has_media_ms = true,
      .media_ms = column->media_ms,
      .recovered = true,
      .data = symbol + 2,
      .length = length,
  };
  return true;
}

static bool
was_given(WzpFecReceiver *receiver, WzpFecPlace place)
{
  uint8_t frame = (uint8_t)(1u << (place - 1) % WZP_FEC_OWN_MAX);
  uint64_t index = (place - 1) / WZP_FEC_OWN_MAX;
  if (is_long_ago(receiver, index))
    return true;
  WzpFecPacketPast *past = past_of(receiver, index);
  bool was = past->given & frame;
  past->given |= frame;
  return was;
}

bool
wzp_fec_receiver_next(WzpFecReceiver *receiver, WzpFecFrame *frame)
{
  while (receiver->next_own < receiver->n_own) {
    unsigned i = receiver->next_own++;
    *frame = receiver->own[i];
    if (!was_given(receiver, receiver->own_places[i])) {
      receiver->stats.frames++;
      return true;
    }
    receiver->stats.redundant++;
  }
  uint64_t number;
  const uint8_t *symbol;
  while (wzp_elimination_next_solved(receiver->elimination, &number, &symbol)) {
    const WzpFecColumn *column = &receiver->columns[number % WZP_ELIMINATION_COLUMNS];
    if (column->number != number || !read_symbol(column, symbol, frame)) {
      receiver->stats.malformed++;
    } else if (was_given(receiver, column->place)) {
      receiver->stats.redundant++;
    } else {
      receiver->stats.recovered++;
      wzp_reception_repaired(receiver->reception, 1);
      return true;
    }
  }
  return false;
}

/* Reports and stats */

bool
wzp_fec_receiver_peer_report(WzpFecReceiver *receiver, WzpReport *report)
{
  if (receiver->next_report == receiver->n_reports)
    return false;
  *report = receiver->reports[receiver->next_report++];
  return true;
}

bool
wzp_fec_receiver_report(WzpFecReceiver *receiver, WzpTime now, uint8_t slot, WzpTime playout,
                        WzpReport *report)
{
  if (!wzp_reception_report(receiver->reception, now, report))
    return false;
  report->slot = slot;
  report->playout = (uint8_t)CLAMP(playout / PLAYOUT_UNIT, 0, UINT8_MAX);
  return true;
}

bool
wzp_fec_receiver_horizon(const WzpFecReceiver *receiver, uint64_t number, uint64_t *media_ms)
{
  unsigned reach = wzp_fec_receiver_reach(receiver);
  const WzpFecRun *run = wzp_fec_runs_find(&receiver->runs, number);
  if (run == NULL || reach == 0 || number < receiver->judged ||
      number >= wzp_elimination_end(receiver->elimination) ||
      wzp_elimination_is_known(receiver->elimination, number))
    return false;
  *media_ms = wzp_fec_run_time(run, number) + reach;
  return *media_ms + WZP_FEC_REORDER_MS >= receiver->newest_ms;
}

void
wzp_fec_receiver_get_stats(const WzpFecReceiver *receiver, WzpFecReceiverStats *stats)
{
  *stats = receiver->stats;
  stats->pending = wzp_elimination_pending(receiver->elimination);
  wzp_reception_get_stats(receiver->reception, &stats->reception);
}
