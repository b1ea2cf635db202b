/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "client-options.h"
#include "client-pipeline.h"
#include "wzp/contacts.h"

/* What wzp-client knows about its call and how it says it. */

typedef struct ClientReport ClientReport;

ClientReport *client_report_new(const ClientOptions *options);
/* Who is there is shown by these names. Takes them over. */
void client_report_set_contacts(ClientReport *report, WzpContacts *contacts);
void client_report_free(ClientReport *report);

/* An element message of wzpcall or of a level element; others are ignored. On a terminal that shows no
 * status line, state changes are said here. */
void client_report_take_message(ClientReport *report, GstMessage *message);
/* Reads the counters of wzpcall. */
void client_report_take_stats(ClientReport *report, const ClientPipeline *pipeline);
gboolean client_report_was_active(const ClientReport *report);
/* The relay is away, and no direct path carries the call. */
gboolean client_report_is_cut_off(const ClientReport *report);
/* A dialled call ended because nothing was heard any more. */
gboolean client_report_broke_off(const ClientReport *report);
/* The first error stands. */
void client_report_set_error(ClientReport *report, const char *text);
void client_report_set_recording(ClientReport *report, double seconds);

/* Writes to stderr. The status line is only for a terminal. */
void client_report_status_line(ClientReport *report);
void client_report_say(ClientReport *report, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Writes the whole report to stdout: JSON in one line, or text. */
void client_report_print(const ClientReport *report, gboolean json);
