/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* Tells when the addresses of this machine's interfaces change: an interface comes or goes, WiFi gives another address, the
 * machine wakes up elsewhere. Of Linux (rtnetlink); without it nothing is ever told. */

typedef void (*WzpNetworkChanged)(gpointer user);
/* In the thread that runs context, 200 ms after the last of a row of changes. NULL: the system does not tell. Ends with
 * g_source_destroy(). */
GSource *wzp_network_watch(GMainContext *context, WzpNetworkChanged changed, gpointer user);
