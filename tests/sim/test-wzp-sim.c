/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The program wzp-sim: its figures add up, follow from the seed, and are what the network did. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

static const char *program;

/* line: flags, separated by blanks. */
static int
run(const char *line, char **output, char **errors)
{
  GError *error = NULL;
  char **flags = g_strsplit(line, " ", -1);
  GPtrArray *arguments = g_ptr_array_new();
  g_ptr_array_add(arguments, (gpointer)program);
  for (char **flag = flags; *flag != NULL; flag++)
    if (**flag != '\0')
      g_ptr_array_add(arguments, *flag);
  g_ptr_array_add(arguments, NULL);
  GSubprocess *process =
      g_subprocess_newv((const char *const *)arguments->pdata,
                        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_assert_no_error(error);
  g_assert_true(g_subprocess_communicate_utf8(process, NULL, NULL, output, errors, &error));
  g_assert_no_error(error);
  g_assert_true(g_subprocess_get_if_exited(process));
  const int status = g_subprocess_get_exit_status(process);
  g_object_unref(process);
  g_ptr_array_unref(arguments);
  g_strfreev(flags);
  return status;
}

static JsonObject *
parse_line(const char *line)
{
  GError *error = NULL;
  JsonNode *node = json_from_string(line, &error);
  g_assert_no_error(error);
  JsonObject *object = json_object_ref(json_node_get_object(node));
  json_node_unref(node);
  return object;
}

/* The object of the last line of a run that succeeds and complains of nothing. */
static JsonObject *
measure(const char *line)
{
  char *output, *errors, *with_json = g_strconcat(line, " --json", NULL);
  const int status = run(with_json, &output, &errors);
  if (status != 0 || *errors != '\0')
    g_error("%s: exit %d, '%s'", with_json, status, errors);
  g_assert_true(g_str_has_suffix(output, "}\n"));
  output[strlen(output) - 1] = '\0';
  const char *last = strrchr(output, '\n');
  JsonObject *object = parse_line(last != NULL ? last + 1 : output);
  g_free(output);
  g_free(errors);
  g_free(with_json);
  return object;
}

static gint64
whole(JsonObject *object, const char *name)
{
  g_assert_true(json_object_has_member(object, name));
  return json_object_get_int_member(object, name);
}

static double
number(JsonObject *object, const char *name)
{
  g_assert_true(json_object_has_member(object, name));
  return json_object_get_double_member(object, name);
}

static void
check_sums(JsonObject *object, gint64 frames, double seconds, double max_delay)
{
  JsonObject *delay = json_object_get_object_member(object, "repair_delay_ms");
  const gint64 sent = whole(object, "frames_sent"), lost = whole(object, "frames_lost");
  g_assert_cmpint(sent, ==, frames);
  g_assert_cmpint(whole(object, "frames_received") + whole(object, "frames_repaired") + lost, ==,
                  sent);
  g_assert_cmpfloat(number(object, "seconds"), ==, seconds);
  g_assert_cmpfloat(number(delay, "p50"), >=, 0);
  g_assert_cmpfloat(number(delay, "p50"), <=, number(delay, "p95"));
  g_assert_cmpfloat(number(delay, "p95"), <=, number(delay, "max"));
  g_assert_cmpfloat(number(delay, "max"), <=, max_delay);
  g_assert_cmpfloat_with_epsilon(number(object, "kbps"),
                                 (double)whole(object, "wire_bytes") * 8 / 1000 / seconds, .001);
  g_assert_cmpfloat_with_epsilon(number(object, "loss_pct"), 100.0 * (double)lost / (double)sent,
                                 .001);
  /* a frame is in a datagram of 28 bytes of IP and UDP, 4 of header, 16 of tag and 8 of trailer */
  g_assert_cmpint(whole(object, "wire_bytes"), >, whole(object, "datagrams") * 56);
}

static void
test_sums(void)
{
  static const struct {
    const char *profile;
    unsigned per_second;
  } profiles[] = {{"good", 0},      {"degraded", 25}, {"catastrophic", 25}, {"opus-64k", 50},
                  {"opus-24k", 50}, {"opus-12k", 25}, {"codec2-3200", 50},  {"codec2-1200", 25}};
  static const char *const schemes[] = {"auto", "sliding", "block", "copies", "none"};
  for (unsigned i = 0; i < G_N_ELEMENTS(profiles); i++)
    for (unsigned j = 0; j < G_N_ELEMENTS(schemes); j++) {
      char *line = g_strdup_printf("--loss 0.2 --burst 2 --rtt 60 --profile %s --max-delay 160 "
                                   "--scheme %s --seconds 20 --seed 7",
                                   profiles[i].profile, schemes[j]);
      JsonObject *object = measure(line);
      /* a profile that may be lowered may have longer frames */
      check_sums(object,
                 profiles[i].per_second > 0 ? 20 * profiles[i].per_second
                                            : whole(object, "frames_sent"),
                 20, 160);
      if (strcmp(schemes[j], "none") == 0)
        g_assert_cmpint(whole(object, "frames_repaired"), ==, 0);
      else
        g_assert_cmpint(whole(object, "frames_repaired"), >, 0);
      json_object_unref(object);
      g_free(line);
    }
}

static void
test_seeds(void)
{
  static const char same[] =
      "--loss 0.1 --burst 2 --jitter 30 --reorder --duplicate 0.1 --profile good"
      " --seconds 20 --timeline --json --seed ";
  char *output[3], *errors[3];
  for (unsigned i = 0; i < 3; i++) {
    char *line = g_strconcat(same, i < 2 ? "5" : "6", NULL);
    g_assert_cmpint(run(line, &output[i], &errors[i]), ==, 0);
    g_free(line);
  }
  g_assert_cmpstr(output[0], ==, output[1]);
  g_assert_cmpstr(output[0], !=, output[2]);
  for (unsigned i = 0; i < 3; i++) {
    g_assert_cmpstr(errors[i], ==, "");
    g_free(output[i]);
    g_free(errors[i]);
  }
}

/* Without loss nothing is repaired, so nothing is delayed; with nothing but loss nothing comes. */
static void
test_ends_of_the_range(void)
{
  JsonObject *object = measure("--profile good --seconds 20");
  check_sums(object, 1000, 20, 0);
  g_assert_cmpint(whole(object, "frames_received"), ==, 1000);
  json_object_unref(object);
  object = measure("--loss 1 --profile opus-24k --seconds 10");
  g_assert_cmpint(whole(object, "frames_lost"), ==, whole(object, "frames_sent"));
  json_object_unref(object);
}

static void
test_loss_statistics(void)
{
  /* six standard deviations of 15,000 frames */
  JsonObject *object =
      measure("--loss 0.2 --profile opus-24k --scheme none --seconds 300 --seed 3");
  g_assert_cmpfloat_with_epsilon(number(object, "loss_pct"), 20, 6 * .327);
  g_assert_cmpfloat_with_epsilon(number(object, "mean_gap"), 1.25, .07);
  json_object_unref(object);
  /* bursts of 4 slots, of one frame each: the share varies 2.4 times as much, and the mean of 750 lengths by
   * 0.13 */
  object = measure("--loss 0.2 --burst 4 --profile opus-24k --scheme none --seconds 300 --seed 3");
  g_assert_cmpfloat_with_epsilon(number(object, "loss_pct"), 20, 6 * .8);
  g_assert_cmpfloat_with_epsilon(number(object, "mean_gap"), 4, 6 * .13);
  json_object_unref(object);
}

/* --- Traces --- */

static char *
write_trace(const char *text)
{
  GError *error = NULL;
  char *path;
  const int fd = g_file_open_tmp("wzp-test-trace-XXXXXX", &path, &error);
  g_assert_no_error(error);
  g_close(fd, NULL);
  g_assert_true(g_file_set_contents(path, text, -1, &error));
  g_assert_no_error(error);
  return path;
}

static void
remove_trace(char *path)
{
  g_unlink(path);
  g_free(path);
}

/* Frame n goes in slot n; lost are those whose line says so, and no others, however long the rest take. */
static void
test_trace(void)
{
  GString *text = g_string_new("# 130 lines\n");
  GRand *random = g_rand_new_with_seed(4);
  unsigned lost[130];
  for (unsigned i = 0; i < G_N_ELEMENTS(lost); i++) {
    lost[i] = g_rand_double(random) < .25;
    if (lost[i])
      g_string_append(text, "-1.00\n");
    else
      g_string_append_printf(text, "%d.50\n", g_rand_int_range(random, 20, 400));
  }
  g_rand_free(random);
  char *path = write_trace(text->str);
  for (unsigned i = 0; i < 4; i++) {
    const unsigned every =
        1 + i % 2; /* frames of 20 ms go in each slot, those of 40 ms in every other */
    const gboolean repair = i >= 2;
    char *line =
        g_strdup_printf("--trace %s --profile %s --scheme %s --frames 1 --seconds 10 --seed 2",
                        path, every == 1 ? "opus-24k" : "opus-6k", repair ? "sliding" : "none");
    gint64 expected = 500 / every;
    for (unsigned slot = 0; slot < 500; slot += every)
      expected -= lost[slot % G_N_ELEMENTS(lost)];
    JsonObject *object = measure(line);
    check_sums(object, 500 / every, 10, repair ? 200 : 0);
    g_assert_cmpint(whole(object, "frames_received"), ==, expected);
    g_assert_true((whole(object, "frames_repaired") > 0) == repair);
    json_object_unref(object);
    g_free(line);
  }
  remove_trace(path);
  g_string_free(text, TRUE);
}

/* Delay is counted beyond the frame's own way: a trace that takes 900 ms costs repair nothing. */
static void
test_delay_of_the_way(void)
{
  char *path = write_trace("900\n900\n900\n900\n-1\n900\n900\n900\n900\n900\n");
  char *line = g_strdup_printf(
      "--trace %s --profile opus-24k --frames 1 --max-delay 200 --seconds 30", path);
  JsonObject *object = measure(line);
  JsonObject *delay = json_object_get_object_member(object, "repair_delay_ms");
  check_sums(object, 1500, 30, 200);
  g_assert_cmpint(whole(object, "frames_received"), ==, 1350);
  g_assert_cmpint(whole(object, "frames_repaired"), >=, 140);
  g_assert_cmpfloat(number(delay, "p50"), >=, 20);
  g_assert_cmpfloat(number(delay, "p50"), <=, 100);
  json_object_unref(object);
  g_free(line);
  remove_trace(path);
}

/* --- Other flags --- */

static void
test_max_delay(void)
{
  /* the same luck; what took longer than the shorter limit is lost there, when the sender plans the same */
  JsonObject *object = measure("--loss 0.2 --profile opus-24k --max-delay 0 --scheme block"
                               " --overhead 100 --seconds 30");
  g_assert_cmpint(whole(object, "frames_repaired"), ==, 0);
  json_object_unref(object);
  object = measure("--loss 0.2 --profile opus-24k --max-delay 300 --scheme block --overhead 100"
                   " --seconds 30");
  g_assert_cmpint(whole(object, "frames_repaired"), >, 150);
  json_object_unref(object);
}

static void
test_rate(void)
{
  /* 47 kbit/s through 38, with next to nothing to wait in */
  JsonObject *object =
      measure("--loss 0 --rate 38 --queue 20 --profile opus-24k --scheme none --seconds 60");
  g_assert_cmpfloat(number(object, "loss_pct"), >, 15);
  g_assert_cmpfloat(number(object, "loss_pct"), <, 25);
  json_object_unref(object);
}

static void
test_timeline(void)
{
  char *output, *errors;
  g_assert_cmpint(
      run("--loss 0 --step 2:1 --step 3:0 --blackout 5:6 --profile opus-24k --scheme none"
          " --seconds 8 --timeline --json",
          &output, &errors),
      ==, 0);
  char **lines = g_strsplit(output, "\n", -1);
  g_assert_cmpuint(g_strv_length(lines), ==, 8 + 2);
  for (unsigned i = 0; i < 8; i++) {
    JsonObject *object = parse_line(lines[i]);
    g_assert_cmpint(whole(object, "second"), ==, i);
    g_assert_cmpint(whole(object, "frames_sent"), ==, 50);
    g_assert_cmpint(whole(object, "frames_lost"), ==, i == 2 || i == 5 ? 50 : 0);
    json_object_unref(object);
  }
  g_strfreev(lines);
  g_free(output);
  g_free(errors);

  g_assert_cmpint(run("--loss 0.1 --seconds 4 --timeline", &output, &errors), ==, 0);
  g_assert_nonnull(strstr(output, "frames sent"));
  g_assert_nonnull(strstr(output, "kbit/s"));
  g_assert_null(strchr(output, '{'));
  g_free(output);
  g_free(errors);
  g_assert_cmpint(run("--help", &output, &errors), ==, 0);
  static const char *const flags[] = {"--trace", "--loss",   "--burst",   "--rtt",  "--profile",
                                      "--seed",  "--budget", "--seconds", "--json", "--max-delay"};
  for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++)
    g_assert_nonnull(strstr(output, flags[i]));
  g_free(output);
  g_free(errors);
}

/* What cannot be kept is said, on stderr: the figures stay alone on stdout. */
static void
test_small_budget(void)
{
  static const struct {
    const char *line;
    gboolean warned;
  } cases[] = {{"--budget 10", TRUE},
               {"--budget 60", FALSE},
               {"--budget 4 --profile catastrophic", TRUE},
               {"--budget 5 --profile catastrophic", FALSE}};
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    char *output, *errors;
    char *line = g_strconcat("--loss 0.1 --seconds 20 --json ", cases[i].line, NULL);
    g_assert_cmpint(run(line, &output, &errors), ==, 0);
    g_assert_true(g_str_has_prefix(output, "{"));
    g_assert_true((strstr(errors, "is exceeded: the frames alone take") != NULL) ==
                  cases[i].warned);
    g_free(line);
    g_free(output);
    g_free(errors);
  }
}

/* Whatever tier that takes, all that is sent is within the budget, but for the first seconds. */
static void
test_budget_and_tier(void)
{
  for (unsigned budget = 9; budget <= 27; budget += 6) {
    g_autofree char *line =
        g_strdup_printf("--loss 0.05 --tier auto --seconds 30 --budget %u", budget);
    JsonObject *object = measure(line);
    g_assert_cmpfloat(number(object, "kbps"), <=, 1.05 * budget);
    g_assert_cmpfloat(number(object, "kbps"), >=, 0.7 * budget);
    json_object_unref(object);
  }
}

static void
test_usage(void)
{
  char *bad_trace = write_trace("# slots\n20\ntwenty\n");
  char *trace_line = g_strdup_printf("--trace %s", bad_trace);
  const struct {
    const char *line, *message;
  } cases[] = {
      {"--loss", "--loss"},
      {"--loss x", "--loss"},
      {"--loss 1.5", "probability from 0 to 1"},
      {"--loss -1", "probability from 0 to 1"},
      {"--loss nan", "probability from 0 to 1"},
      {"--loss 0.1 --burst 0.5", "slots of 20 ms from 1"},
      {"--loss 0.7 --burst 2", "needs bursts of at least 2.33 slots"},
      {"--burst 2 --trace x", "either --trace or --loss"},
      {"--loss 0.1 --trace x", "either --trace or --loss"},
      {"--trace /nowhere/trace", "cannot be read"},
      {trace_line, "line 3: 'twenty' is neither"},
      {"--loss 0.1 --profile best", "good, degraded, catastrophic, opus-64k"},
      {"--loss 0.1 --scheme best", "auto, sliding, block, copies or none"},
      {"--loss 0.1 --rtt -1", "--rtt is milliseconds"},
      {"--loss 0.1 --max-delay -1", "--max-delay is milliseconds"},
      {"--loss 0.1 --budget 0", "--budget is kbit/s"},
      {"--loss 0.1 --seconds 0", "--seconds is a number above 0"},
      {"--loss 0.1 --seconds inf", "--seconds is a number above 0"},
      {"--loss 0.1 --seed -1", "--seed is a whole number"},
      {"--loss 0.1 --seed 1.5", "1.5"},
      {"--loss 0.1 --rate 0", "--rate is kbit/s"},
      {"--loss 0.1 --queue 100", "needs --rate"},
      {"--loss 0.1 --step 5", "SECOND:LOSS"},
      {"--loss 0.1 --step 5:2", "probability"},
      {"--loss 0.1 --step 5:0.1 --step 4:0.1", "comes before"},
      {"--loss 0.1 --blackout 5", "FROM:TO"},
      {"--loss 0.1 --blackout 5:4", "FROM:TO"},
      {"--loss 0.1 --frames 5", "from 0 to 4"},
      {"--loss 0.1 --overhead 1000", "from -1 to 600"},
      {"--loss 0.1 more", "belong to no option"},
      {"--loss 0.1 --nonsense", "nonsense"},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    char *output, *errors;
    const int status = run(cases[i].line, &output, &errors);
    if (status != 2 || *output != '\0' || strstr(errors, cases[i].message) == NULL ||
        strchr(errors, '\n') != errors + strlen(errors) - 1)
      g_error("'%s': exit %d, '%s', and not one line with '%s'", cases[i].line, status, errors,
              cases[i].message);
    g_assert_true(g_str_has_prefix(errors, "wzp-sim: "));
    g_free(output);
    g_free(errors);
  }
  g_free(trace_line);
  remove_trace(bad_trace);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_assert_cmpint(argc, ==, 2);
  program = argv[1];
  g_test_add_func("/wzp-sim/sums", test_sums);
  g_test_add_func("/wzp-sim/seeds", test_seeds);
  g_test_add_func("/wzp-sim/ends-of-the-range", test_ends_of_the_range);
  g_test_add_func("/wzp-sim/loss-statistics", test_loss_statistics);
  g_test_add_func("/wzp-sim/trace", test_trace);
  g_test_add_func("/wzp-sim/delay-of-the-way", test_delay_of_the_way);
  g_test_add_func("/wzp-sim/max-delay", test_max_delay);
  g_test_add_func("/wzp-sim/rate", test_rate);
  g_test_add_func("/wzp-sim/timeline", test_timeline);
  g_test_add_func("/wzp-sim/small-budget", test_small_budget);
  g_test_add_func("/wzp-sim/budget-and-tier", test_budget_and_tier);
  g_test_add_func("/wzp-sim/usage", test_usage);
  return g_test_run();
}
