/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* Tells when the addresses of this machine's interfaces change, or the one that it goes out with: an interface comes or goes,
 * WiFi gives another address, mobile data take over, the machine wakes up elsewhere. Of Linux (rtnetlink); without it nothing
 * is ever told. */

/* settled: no change followed for 200 ms; else it is one of a row. */
typedef void (*WzpNetworkChanged)(gpointer user, gboolean settled);
/* In the thread that runs context: at once, and again when it settled. NULL: the system does not tell. Ends with
 * g_source_destroy(). */
GSource *wzp_network_watch(GMainContext *context, WzpNetworkChanged changed, gpointer user);
