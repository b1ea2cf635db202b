/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-plan-private.h"
#include <glib.h>
#include <math.h>

/* Between its rates, and with reports in the place of symbols, repair does worse than the table says by about this. */
#define ROUGH 1.1

/* Where a value lies on an axis: between low and low + 1, nearer to the latter the larger the part. */
typedef struct {
  unsigned low;
  double part;
} Position;

static Position
position_on(const double *axis, unsigned n, double value, bool logarithmic)
{
  if (value <= axis[0])
    return (Position){0, 0};
  for (unsigned i = 0; i + 1 < n; i++) {
    if (value < axis[i + 1]) {
      double part = logarithmic ? log(value / axis[i]) / log(axis[i + 1] / axis[i])
                                : (value - axis[i]) / (axis[i + 1] - axis[i]);
      return (Position){i, part};
    }
  }
  return (Position){n - 2, 1};
}

static unsigned
nearest(Position position)
{
  return position.low + (position.part >= 0.5 ? 1 : 0);
}

static Position
loss_position(double loss)
{
  return position_on(wzp_fec_table_losses, WZP_FEC_TABLE_LOSSES, loss, true);
}

static Position
memory_position(double memory)
{
  return position_on(wzp_fec_table_memories, WZP_FEC_TABLE_MEMORIES, memory, false);
}

static Position
rate_position(double rate)
{
  return position_on(wzp_fec_table_rates, WZP_FEC_TABLE_RATES, rate, true);
}

static unsigned
delay_row(unsigned delay)
{
  unsigned row = 0;
  while (row + 1 < WZP_FEC_TABLE_DELAYS && wzp_fec_table_delays[row + 1] <= delay)
    row++;
  return row;
}

static unsigned
cell(unsigned delay, unsigned rate, unsigned loss, unsigned memory)
{
  return ((delay * WZP_FEC_TABLE_RATES + rate) * WZP_FEC_TABLE_LOSSES + loss) *
             WZP_FEC_TABLE_MEMORIES +
         memory;
}

/* Inside of the table: its logarithms, interpolated over loss, memory and rate. */
static double
interpolate(unsigned row, Position loss, Position memory, Position rate)
{
  double sum = 0;
  for (unsigned corner = 0; corner < 8; corner++) {
    unsigned up_loss = corner & 1, up_memory = corner >> 1 & 1, up_rate = corner >> 2;
    double weight = (up_loss ? loss.part : 1 - loss.part) *
                    (up_memory ? memory.part : 1 - memory.part) *
                    (up_rate ? rate.part : 1 - rate.part);
    if (weight > 0)
      sum += weight * wzp_fec_table_lost[cell(row, rate.low + up_rate, loss.low + up_loss,
                                              memory.low + up_memory)];
  }
  return exp2(-sum / 8);
}

/* Every frame again in each packet that comes in time: lost when all of them are. */
static double
expect_everything(const WzpFecPlace *place, double loss)
{
  double again = loss + place->memory * (1 - loss);
  return loss * pow(again, place->delay);
}

/* For a loss that the table's axis holds, and the delay of a row. */
static double
expect_in_row(unsigned row, const WzpFecPlace *place, double loss)
{
  if (place->rate >= place->delay)
    return expect_everything(place, loss);
  double top = wzp_fec_table_rates[WZP_FEC_TABLE_RATES - 1];
  double bottom = wzp_fec_table_rates[0];
  double memory_top = wzp_fec_table_memories[WZP_FEC_TABLE_MEMORIES - 1];
  double expected = ROUGH * interpolate(row, loss_position(loss), memory_position(place->memory),
                                        rate_position(place->rate));
  if (place->rate < bottom) /* towards no repair */
    expected = loss * pow(expected / loss, place->rate / bottom);
  else if (place->rate > top)
    expected *= pow(expect_everything(place, loss) / expected,
                    log(place->rate / top) / log(place->delay / top));
  if (place->memory > memory_top) /* towards a channel that is up or down for good */
    expected += (loss - expected) * (place->memory - memory_top) / (1 - memory_top);
  return expected;
}

static double
expect_on_axis(const WzpFecPlace *place, double loss)
{
  unsigned row = delay_row(place->delay), delay = wzp_fec_table_delays[row];
  double expected = expect_in_row(row, place, loss);
  if (row + 1 == WZP_FEC_TABLE_DELAYS || place->delay == delay)
    return expected;
  double part = (double)(place->delay - delay) / (wzp_fec_table_delays[row + 1] - delay);
  return expected * pow(expect_in_row(row + 1, place, loss) / expected, part);
}

double
wzp_fec_table_expect(const WzpFecPlace *place)
{
  double loss = CLAMP(place->loss, 0, 1);
  if (place->delay == 0 || place->rate <= 0 || loss == 0)
    return loss;
  double bottom = wzp_fec_table_losses[0], top = wzp_fec_table_losses[WZP_FEC_TABLE_LOSSES - 1];
  double expected = expect_on_axis(place, CLAMP(loss, bottom, top));
  if (loss < bottom)
    expected *= loss / bottom;
  else if (loss > top)
    expected += (1 - expected) * (loss - top) / (1 - top);
  return MIN(expected, loss);
}

static const uint8_t *
found_in_row(unsigned row, const WzpFecPlace *place)
{
  unsigned here =
      cell(row, nearest(rate_position(place->rate)), nearest(loss_position(place->loss)),
           nearest(memory_position(place->memory)));
  return wzp_fec_table_programs[wzp_fec_table_program[here]];
}

unsigned
wzp_fec_table_choose(const WzpFecPlace *place, WzpFecProgram programs[2])
{
  if (place->delay == 0)
    return 0;
  if (place->rate >= place->delay) {
    programs[0] = (WzpFecProgram){0, (uint8_t)MIN(place->delay, WZP_FEC_WINDOW_MAX)};
    return 1;
  }
  unsigned row = delay_row(place->delay);
  const uint8_t *found = found_in_row(row, place);
  if (row + 1 < WZP_FEC_TABLE_DELAYS && wzp_fec_table_delays[row] != place->delay) {
    const uint8_t *longer = found_in_row(row + 1, place);
    if (MAX(longer[0] + longer[1], longer[2] + longer[3]) <= (int)place->delay)
      found = longer;
  }
  programs[0] = (WzpFecProgram){found[0], found[1]};
  programs[1] = (WzpFecProgram){found[2], found[3]};
  if (found[3] != 0)
    return 2;
  /* the place has more symbols than the table's nearest: they want more packets to tell of */
  uint8_t wanted = (uint8_t)MIN(ceil(place->rate), place->delay);
  if (programs[0].window < wanted) {
    programs[0].window = wanted;
    programs[0].offset = (uint8_t)MIN(programs[0].offset, place->delay - wanted);
  }
  return 1;
}
