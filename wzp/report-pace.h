/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "report.h"

/* When a listener in a room says what it hears (PROTOCOL.md 9). All that it has to report goes at once, in turns: the more
 * members there are, the rarer, so that the reports of all together stay a small share of what is said in the room
 * (RFC 3550 6.2). Whoever loses clearly more of a stream than the others, whose reports come by here too, takes turns
 * more often: it is the one that the stream's sender plans by. Between two, everything is said at once. */

typedef struct WzpReportPace WzpReportPace;
/* phase, 0 <= phase < 1: after a pause we wait for so much of a turn; listeners must differ in it. Begins with two members. */
WzpReportPace *wzp_report_pace_new(double phase);
void wzp_report_pace_free(WzpReportPace *pace);
void wzp_report_pace_reset(WzpReportPace *pace);
void wzp_report_pace_set_members(WzpReportPace *pace, unsigned members); /* ourselves included */
/* A packet with sound came, with all headers below UDP's payload counted by us. */
void wzp_report_pace_media(WzpReportPace *pace, WzpTime now, size_t length);
/* What we found, and what others say, of a stream that is not ours. */
void wzp_report_pace_own(WzpReportPace *pace, WzpTime now, const WzpReport *report);
void wzp_report_pace_heard(WzpReportPace *pace, WzpTime now, uint8_t listener,
                           const WzpReport *report);
/* Who had this slot is gone. */
void wzp_report_pace_forget(WzpReportPace *pace, uint8_t slot);
/* From one turn to the next, for whom nobody waits in particular. reports: that one takes. */
WzpTime wzp_report_pace_interval(const WzpReportPace *pace, unsigned reports);
/* When those that wait since `since` may go. */
WzpTime wzp_report_pace_next(const WzpReportPace *pace, WzpTime since, unsigned reports);
/* They go. */
void wzp_report_pace_turn(WzpReportPace *pace, WzpTime now);
