/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "candidate.h"
#include <glib.h>
#include <string.h>

#define HOST_MAX (WZP_CANDIDATES_MAX / 2)

typedef enum { CLASS_NONE, CLASS_V4, CLASS_V6_GLOBAL, CLASS_V6_LOCAL, N_CLASSES } Class;
static const unsigned per_interface[N_CLASSES] = {0, 1, 2, 1};

static Class
class_of(const WzpAddress *address)
{
  const uint8_t *b = address->bytes;
  if (address->family == 4) {
    bool unusable = b[0] == 0 || b[0] == 127 || b[0] >= 224 || (b[0] == 169 && b[1] == 254);
    return unusable ? CLASS_NONE : CLASS_V4;
  }
  if (address->family != 6)
    return CLASS_NONE;
  if ((b[0] & 0xe0) == 0x20) /* 2000::/3, what there is of global unicast */
    return CLASS_V6_GLOBAL;
  return (b[0] & 0xfe) == 0xfc ? CLASS_V6_LOCAL : CLASS_NONE;
}

bool
wzp_address_is_reachable(const WzpAddress *address)
{
  return class_of(address) != CLASS_NONE;
}

unsigned
wzp_candidates_choose(WzpAddress chosen[WZP_CANDIDATES_MAX], const WzpInterfaceAddress *all,
                      unsigned n)
{
  unsigned count = 0;
  for (unsigned step = 0; step < 2 * n && count < HOST_MAX; step++) {
    unsigned i = step % n, before = 0;
    if (all[i].outgoing != (step < n))
      continue;
    Class class = class_of(&all[i].address);
    for (unsigned j = 0; j < i; j++)
      before += all[j].interface == all[i].interface && class_of(&all[j].address) == class;
    if (before >= per_interface[class])
      continue;
    chosen[count] = all[i].address;
    chosen[count].port = 0;
    count++;
  }
  return count;
}

void
wzp_candidate_write(const WzpCandidate *candidate, WzpWriter *writer)
{
  wzp_writer_u8(writer, (uint8_t)candidate->kind);
  wzp_writer_u32(writer, candidate->priority);
  wzp_address_write(&candidate->address, writer);
}

WzpResult
wzp_candidate_read(WzpCandidate *candidate, WzpReader *reader)
{
  uint8_t kind = wzp_reader_u8(reader);
  candidate->kind = (WzpCandidateKind)kind;
  candidate->priority = wzp_reader_u32(reader);
  if (!wzp_address_read(&candidate->address, reader))
    return reader->failed ? WZP_TRUNCATED : WZP_MALFORMED;
  bool known = kind == WZP_CANDIDATE_HOST || kind == WZP_CANDIDATE_REFLEXIVE;
  bool good = candidate->priority != 0 && candidate->address.port != 0 &&
              wzp_address_is_reachable(&candidate->address);
  return known && good ? WZP_OK : WZP_MALFORMED;
}
