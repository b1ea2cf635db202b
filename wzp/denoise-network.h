/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdint.h>

/* The neural network of RNNoise 0.1: three gated recurrent layers between dense ones (Valin 2018, figure 3), that give
 * from the features of a frame the gain of each band and the probability of speech. */

#define WZP_NETWORK_FEATURES 42
#define WZP_NETWORK_BANDS 22
#define WZP_NETWORK_DENSE 24
#define WZP_NETWORK_SPEECH 24 /* units of the layer that hears speech, */
#define WZP_NETWORK_NOISE 48  /* of the one that learns the noise, */
#define WZP_NETWORK_GAIN 96   /* and of the one that knows what to do */

typedef struct WzpNetwork WzpNetwork;

WzpNetwork *wzp_network_new(void);
void wzp_network_free(WzpNetwork *network);
void wzp_network_reset(WzpNetwork *network);
/* Gives the probability of speech, 0..1; gains 0..1. */
float wzp_network_frame(WzpNetwork *network, const float features[WZP_NETWORK_FEATURES],
                        float gains[WZP_NETWORK_BANDS]);

/* The trained weights in the order of the layers, of each: of the inputs, of the own state (recurrent ones), biases.
 * Rows are inputs, columns outputs; recurrent layers have the columns of update, reset and output gate side by side.
 * 1 stands for 1 / 256. Made by rnnoise/weights.py while building. */
#define WZP_NETWORK_WEIGHTS 87503
extern const int8_t wzp_network_weights[WZP_NETWORK_WEIGHTS];
