/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "denoise-network.h"
#include "denoise-kernel.h"
#include <glib.h>
#include <math.h>
#include <string.h>

#define FEATURES WZP_NETWORK_FEATURES
#define BANDS WZP_NETWORK_BANDS
#define DENSE WZP_NETWORK_DENSE
#define SPEECH WZP_NETWORK_SPEECH
#define NOISE WZP_NETWORK_NOISE
#define GAIN WZP_NETWORK_GAIN
#define NOISE_INPUTS (DENSE + SPEECH + FEATURES)
#define GAIN_INPUTS (SPEECH + NOISE + FEATURES)
#define SCALE (1 / 256.0f)

#define PADDED(columns) (((columns) + WZP_KERNEL_BLOCK - 1) / WZP_KERNEL_BLOCK * WZP_KERNEL_BLOCK)
#define COLUMNS_MAX (3 * GAIN)

/* As floats, with rows of a whole number of blocks; all networks share them. */
typedef struct {
  float *weight, *bias;
  unsigned columns; /* padded */
} Matrix;

typedef struct {
  Matrix input, state;
  unsigned units;
} Gates;

static struct {
  Matrix dense, gains, speech_probability;
  Gates speech, noise, gain;
  float tanh[201]; /* of each 0.04 */
  const WzpDenoiseKernel *kernel;
} model;

struct WzpNetwork {
  float speech[SPEECH], noise[NOISE], gain[GAIN];
};

static const int8_t *
take_weights(Matrix *matrix, const int8_t *from, unsigned rows, unsigned columns)
{
  matrix->columns = PADDED(columns);
  matrix->weight = g_new0(float, rows * matrix->columns);
  matrix->bias = g_new0(float, matrix->columns);
  for (unsigned row = 0; row < rows; row++)
    for (unsigned column = 0; column < columns; column++)
      matrix->weight[row * matrix->columns + column] = SCALE * *from++;
  return from;
}

static const int8_t *
take_bias(Matrix *matrix, const int8_t *from, unsigned columns)
{
  for (unsigned column = 0; column < columns; column++)
    matrix->bias[column] = SCALE * *from++;
  return from;
}

static const int8_t *
take_dense(Matrix *matrix, const int8_t *from, unsigned rows, unsigned columns)
{
  return take_bias(matrix, take_weights(matrix, from, rows, columns), columns);
}

static const int8_t *
take_gates(Gates *gates, const int8_t *from, unsigned inputs, unsigned units)
{
  gates->units = units;
  from = take_weights(&gates->input, from, inputs, 3 * units);
  from = take_weights(&gates->state, from, units, 3 * units);
  return take_bias(&gates->input, from, 3 * units);
}

static void
load_model(void)
{
  static gsize loaded;
  if (!g_once_init_enter(&loaded))
    return;
  const int8_t *from = wzp_network_weights;
  model.kernel = wzp_denoise_kernel();
  from = take_dense(&model.dense, from, FEATURES, DENSE);
  from = take_gates(&model.speech, from, DENSE, SPEECH);
  from = take_gates(&model.noise, from, NOISE_INPUTS, NOISE);
  from = take_gates(&model.gain, from, GAIN_INPUTS, GAIN);
  from = take_dense(&model.gains, from, GAIN, BANDS);
  from = take_dense(&model.speech_probability, from, SPEECH, 1);
  g_assert(from == wzp_network_weights + WZP_NETWORK_WEIGHTS);
  for (unsigned i = 0; i < G_N_ELEMENTS(model.tanh); i++)
    model.tanh[i] = tanhf(0.04f * (float)i);
  g_once_init_leave(&loaded, 1);
}

/* From the nearest point of the table by the first terms of its series. */
static float
tangent(float x)
{
  float size = fabsf(x);
  if (!(size < 8))
    return x < 0 ? -1 : 1;
  unsigned nearest = (unsigned)(0.5f + 25 * size);
  float y = model.tanh[nearest], d = size - 0.04f * (float)nearest;
  y += d * (1 - y * y) * (1 - y * d);
  return x < 0 ? -y : y;
}

static float
sigmoid(float x)
{
  return 0.5f + 0.5f * tangent(0.5f * x);
}

/* Adds the products of the inputs with columns first to end, multiples of the kernel's block, to sum. */
static void
multiply(const Matrix *matrix, unsigned first, unsigned end, const float *input, unsigned inputs,
         float *sum)
{
  model.kernel->multiply(matrix->weight + first, matrix->columns, end - first, input, inputs,
                         sum + first);
}

static void
run_dense(const Matrix *matrix, const float *input, unsigned inputs, float sum[COLUMNS_MAX])
{
  memcpy(sum, matrix->bias, matrix->columns * sizeof *sum);
  multiply(matrix, 0, matrix->columns, input, inputs, sum);
}

/* A gated recurrent layer whose output gate is rectified. */
static void
run_gates(const Gates *gates, const float *input, unsigned inputs, float *state)
{
  float sum[COLUMNS_MAX], kept[GAIN] = {0};
  unsigned n = gates->units;
  run_dense(&gates->input, input, inputs, sum);
  multiply(&gates->state, 0, 2 * n, state, n, sum);
  for (unsigned i = 0; i < n; i++)
    kept[i] = state[i] * sigmoid(sum[n + i]);
  multiply(&gates->state, 2 * n, 3 * n, kept, n, sum);
  for (unsigned i = 0; i < n; i++) {
    float update = sigmoid(sum[i]);
    state[i] = update * state[i] + (1 - update) * MAX(0, sum[2 * n + i]);
  }
}

WzpNetwork *
wzp_network_new(void)
{
  load_model();
  return g_new0(WzpNetwork, 1);
}

void
wzp_network_free(WzpNetwork *network)
{
  g_free(network);
}

void
wzp_network_reset(WzpNetwork *network)
{
  *network = (WzpNetwork){{0}, {0}, {0}};
}

float
wzp_network_frame(WzpNetwork *network, const float features[FEATURES], float gains[BANDS])
{
  float sum[COLUMNS_MAX], dense[DENSE], input[MAX(NOISE_INPUTS, GAIN_INPUTS)];
  run_dense(&model.dense, features, FEATURES, sum);
  for (unsigned i = 0; i < DENSE; i++)
    dense[i] = tangent(sum[i]);

  run_gates(&model.speech, dense, DENSE, network->speech);
  run_dense(&model.speech_probability, network->speech, SPEECH, sum);
  float speech = sigmoid(sum[0]);

  memcpy(input, dense, sizeof dense);
  memcpy(input + DENSE, network->speech, sizeof network->speech);
  memcpy(input + DENSE + SPEECH, features, FEATURES * sizeof *features);
  run_gates(&model.noise, input, NOISE_INPUTS, network->noise);

  memcpy(input, network->speech, sizeof network->speech);
  memcpy(input + SPEECH, network->noise, sizeof network->noise);
  memcpy(input + SPEECH + NOISE, features, FEATURES * sizeof *features);
  run_gates(&model.gain, input, GAIN_INPUTS, network->gain);
  run_dense(&model.gains, network->gain, GAIN, sum);
  for (unsigned b = 0; b < BANDS; b++)
    gains[b] = sigmoid(sum[b]);
  return speech;
}
