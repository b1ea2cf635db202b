/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpcall-chain.h"

GstElement *
gst_wzp_chain_find(GstElement *const *chain, const gchar *const *factories, const gchar *factory)
{
  for (guint n = 0; chain[n] != NULL; n++)
    if (g_str_equal(factories[n], factory))
      return chain[n];
  return NULL;
}

void
gst_wzp_chain_remove(GstWzpChain chain, GstBin *bin)
{
  for (guint n = 0; chain[n] != NULL; n++)
    gst_bin_remove(bin, chain[n]);
  chain[0] = NULL;
}

const gchar *
gst_wzp_chain_make(GstWzpChain chain, GstBin *bin, const gchar *const *factories, guint apart,
                   GstContext *context, GstWzpChainConfigure configure)
{
  const gchar *missing = NULL;
  for (guint n = 0; factories[n] != NULL && missing == NULL; n++) {
    GstElement *element = gst_element_factory_make(factories[n], NULL);
    if (element == NULL) {
      missing = factories[n];
      continue;
    }
    configure(bin, factories[n], element);
    gst_bin_add(bin, element);
    gst_element_set_context(element, context); /* not earlier: a bin takes what comes along */
    chain[n] = element;
    chain[n + 1] = NULL;
    if (n > 0 && n != apart && !gst_element_link(chain[n - 1], element))
      missing = factories[n];
  }
  if (missing != NULL)
    gst_wzp_chain_remove(chain, bin);
  return missing;
}

void
gst_wzp_chain_start(GstElement *const *chain)
{
  guint n = 0;
  while (chain[n] != NULL)
    n++;
  while (n > 0) /* sinks first */
    gst_element_sync_state_with_parent(chain[--n]);
}
