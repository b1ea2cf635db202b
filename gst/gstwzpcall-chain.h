/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* A row of elements in a bin, linked in the order of the data: made of a list of factories that NULL ends, and as long.
 * The bin holds them. */

#define GST_WZP_CHAIN_MAX 9

typedef GstElement *GstWzpChain[GST_WZP_CHAIN_MAX]; /* NULL behind the last */
/* Sets up an element of this factory before it is used. */
typedef void (*GstWzpChainConfigure)(GstBin *bin, const gchar *factory, GstElement *element);

/* context goes to all of them. apart: number of one that is not linked to the one before, 0: none. The factory that is missing,
 * or NULL when all is well. */
const gchar *gst_wzp_chain_make(GstWzpChain chain, GstBin *bin, const gchar *const *factories,
                                guint apart, GstContext *context, GstWzpChainConfigure configure);
void gst_wzp_chain_remove(GstWzpChain chain, GstBin *bin);
/* A chain that is there before the bin starts is started by the bin. */
void gst_wzp_chain_start(GstElement *const *chain);
/* Borrowed, or NULL. */
GstElement *gst_wzp_chain_find(GstElement *const *chain, const gchar *const *factories,
                               const gchar *factory);

G_END_DECLS
