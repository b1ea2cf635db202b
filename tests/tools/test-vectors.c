/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "../core/vectors-raptorq.h"
#include <glib.h>
#include <string.h>

/* Runs the program vectors (its path is the argument) and compares with what docs/PROTOCOL.md publishes. */

static const char *program;

typedef struct {
  char *out, *err;
  int status;
} Run;

static void
run_clear(Run *run)
{
  g_free(run->out);
  g_free(run->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* arguments as in a shell. */
static Run
run(const char *arguments)
{
  Run result = {0};
  GError *error = NULL;
  int wait_status;
  g_auto(GStrv) parsed = NULL;
  g_autofree char *quoted = g_shell_quote(program);
  g_autofree char *line = g_strconcat(quoted, " ", arguments, NULL);
  g_shell_parse_argv(line, NULL, &parsed, &error);
  g_assert_no_error(error);
  g_spawn_sync(NULL, parsed, NULL, G_SPAWN_DEFAULT, NULL, NULL, &result.out, &result.err,
               &wait_status, &error);
  g_assert_no_error(error);
  if (!g_spawn_check_wait_status(wait_status, &error)) {
    g_assert_error(error, G_SPAWN_EXIT_ERROR, error->code); /* ended by itself, not by a signal */
    result.status = error->code;
    g_error_free(error);
  }
  return result;
}

static void
assert_line(const Run *run, const char *line)
{
  g_autofree char *whole = g_strconcat("\n", line, "\n", NULL);
  g_autofree char *out = g_strconcat("\n", run->out, NULL);
  if (!strstr(out, whole))
    g_error("no line \"%s\" in:\n%s", line, run->out);
}

static void
assert_output(const char *arguments, const char *expected)
{
  g_auto(Run) result = run(arguments);
  g_assert_cmpstr(result.err, ==, "");
  g_assert_cmpstr(result.out, ==, expected);
  g_assert_cmpint(result.status, ==, 0);
}

static void
assert_refused(const char *arguments, int status, const char *message)
{
  g_auto(Run) result = run(arguments);
  g_assert_cmpstr(result.out, ==, "");
  g_assert_nonnull(strstr(result.err, message));
  g_assert_cmpint(result.status, ==, status);
}

#define ABANDON3 "abandon abandon abandon "
#define ABANDON21 ABANDON3 ABANDON3 ABANDON3 ABANDON3 ABANDON3 ABANDON3 ABANDON3
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define COUNT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define COUNT_WORDS                                                                                \
  "abandon amount liar amount expire adjust cage candy arch gather drum bullet absurd math era "   \
  "live bid rhythm alien crouch range attend journey unaware"

static void
test_identity(void)
{
  assert_output("identity " ZEROS,
                "ed25519=a0132a15a473e4478c1399ff727b7afac413310884ad9f126b5610d4ceae94a8\n"
                "x25519=d3d347dc25dfb61e671b30b8729bf1658830e0dd03e5bbede729c2988b410c48\n"
                "fingerprint=27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e\n"
                "mnemonic=" ABANDON21 "abandon abandon art\n");
  assert_output("identity 4242424242424242424242424242424242424242424242424242424242424242",
                "ed25519=a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909\n"
                "x25519=fdc25545cf63114dbf4ba37c55e93d262de2eec433e8e8013753360df984956b\n"
                "fingerprint=518e:b935:62fa:9e34:e59c:28b6:7fc2:d384\n"
                "mnemonic=drastic bamboo mountain loyal category cancel animal embark "
                "drastic bamboo mountain loyal category cancel animal embark "
                "drastic bamboo mountain loyal category cancel animal embark\n");
  assert_output("identity " COUNT,
                "ed25519=46705b2fa5f2e0d9917cd934f76c4442f8d8908c2dae9259922c0c52c106183d\n"
                "x25519=70ea094727e0b015acb996e4264e7483b178f6a8614f73d5b83aeecf89bd011f\n"
                "fingerprint=6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa\n"
                "mnemonic=" COUNT_WORDS "\n");
  assert_refused("identity 00", 1, "64 hex digits");
  assert_refused("identity " ZEROS "00", 1, "64 hex digits");
  assert_refused("identity x" COUNT, 1, "64 hex digits");
  assert_refused("identity ''", 1, "64 hex digits");
}

static void
test_mnemonic(void)
{
  assert_output("mnemonic " COUNT_WORDS, "seed=" COUNT "\n");
  assert_output("mnemonic '" COUNT_WORDS "'", "seed=" COUNT "\n");
  assert_output("mnemonic " ABANDON21 "abandon abandon art", "seed=" ZEROS "\n");
  assert_refused("mnemonic " ABANDON21 "abandon abandon abandon", 1, "vectors: ");
  assert_refused("mnemonic " ABANDON21 "abandon abandon", 1, "23");
  assert_refused("mnemonic " ABANDON21 "abandon abandon zzzz", 1, "24");
}

static void
test_header(void)
{
  assert_output("header c3000007", "kind=mini\nepoch_low=0\nprofile=3\nslot=0\nseq=7\n");
  assert_output("header d3000000", "kind=mini\nepoch_low=1\nprofile=3\nslot=0\nseq=0\n");
  assert_output("header F2f9FFFE", "kind=mini\nepoch_low=3\nprofile=2\nslot=249\nseq=65534\n");
  assert_output("header 8300000800001e0000000000",
                "kind=full\nepoch_low=0\nprofile=3\nslot=0\nseq=8\n"
                "timestamp=7680\nepoch=0\nflags=0\n");
  /* a whole packet: epoch 255, all that a full header can hold */
  assert_output("header be0512349abcdef0ff010000deadbeef",
                "kind=full\nepoch_low=3\nprofile=14\nslot=5\nseq=4660\n"
                "timestamp=2596069104\nepoch=255\nflags=1\n");
  assert_refused("header c30000", 1, "truncated");
  assert_refused("header 8300000800001e00000000", 1, "truncated");
  assert_refused("header 8300000800001e0001000000", 1, "malformed"); /* epoch bits disagree */
  assert_refused("header 8300000800001e0000000001", 1, "malformed"); /* bytes that are zero */
  assert_refused("header 44000007", 1, "not a media header");
  assert_refused("header cf000007", 1, "not a media header"); /* reserved code */
  assert_refused("header ''", 1, "not a media header");
  assert_refused("header c300000", 1, "hex");
  assert_refused("header c30000zz", 1, "hex");
}

static void
assert_lines(const char *command, const char *const *lines, unsigned n)
{
  g_auto(Run) result = run(command);
  g_assert_cmpstr(result.err, ==, "");
  g_assert_cmpint(result.status, ==, 0);
  for (unsigned i = 0; i < n; i++)
    assert_line(&result, lines[i]);
}

static void
test_handshake(void)
{
  static const char *const lines[] = {
      "th2=ea848d1859a55231ed91fab7e61e6ff71327dc10038852c9c7dc1962c497e9b5",
      "th3=63b59f4be146987275d2fb8360ac586c05939e0885545f7a4630a7ee928783ee",
      "th4=97712cf05f50fa0858a16d2eaf1972c4839edc7a093c07bdf9c9acf42de517b4",
      "ss=9e004098efc091d4ec2663b4e9f5cfd4d7064571690b4bea97ab146ab9f35056",
      "H(HS1)=e74979e3101c79cb6e317f43e65e23bec58bf0ec48ff1408451391d63fc3ec3f",
      "H(HS2)=6962071a6241137cfa12abcd3168c5149962fff83822c54c954f5bb59bcdfba8",
      "H(HS3)=86664b80660a3fd5527e38173c789b0256d348a4999751982cb3be00927a06a3",
      "sas=eb2957f01c05c7d7",
      "sas words=twenty enjoy winter",
      "sas digits=378839",
      "app i2r=60c51aa0895265cd98f9514b2b0d5bcbe03445de1b79c000443ee131ef73960d",
      "app r2i=b170fa3ea6f22def063648211aa6c4a3a4803ee1baafe3a8e4e45afea767c025",
      "media i=605a772a54c7cfa89069640f0923a72e21d248672752c07bf1d55ab67822195a",
      "media r=8e56ca304493ea88dd4ccb131369ecefd4da7bb77349436af7f7d9f18fc057b2",
      "hop i2r=29b91f37bb1b6105faa4d78f87911433",
      "hop r2i=1cdfa3aff4075d37247e940a1d301082",
      "hop wrap=7243039df41a3d3da77a648834e5a25e",
      /* not published; computed by other code from th4 and ss */
      "rekey=7390bb9985ca201fcb3e9b56cd600f61421c3132584bb143612d001369d6027f",
      "path i2r=3c094a339ebc766828298ffca09959da963a6a746d71df4545c4e23a314fbb6b",
      "path r2i=369eee670966f761b90118688d66d47af9c491629bfc1928ef69dc1a4fbbc34e",
      "ice i ufrag=xr3szMzK",
      "ice i pwd=qssmXji2SxbiaRdp99cdlBqX6MKXmWov",
      "ice r ufrag=OgW6BZHa",
      "ice r pwd=5fAdA3Fj95sUgcDuE/2Cu1TgYqsMYTce",
  };
  assert_lines("handshake", lines, G_N_ELEMENTS(lines));
}

static void
test_room(void)
{
  assert_output("room", "psk=5908c0dbd01fbb536dbc7f1deae85f39023a2b3b1eb4e77e5ba1ec0a9cf97692\n"
                        "room_id=d3fd9b8ffd1bb40d41888c30afdcb0ba2d6c6283ca2b883d09047ea8ff8d9f26\n"
                        "path lo=bf14e0d68e108d3af8242b15ebe3be9265d5dafbc1ed17e24e363b9a1e93e84a\n"
                        "path hi=9ffbddca9d855bc54e314aa5a14e3582a9cebce6ba7c9c86761a5749b69b07a4\n"
                        "ice=cd2d900fb261dc2cdacccf64bcb99dc263504e812842245a32d1f4929faa8d22\n");
}

static void
test_comfort(void)
{
  assert_output("comfort", "hz20000=680123456789abcd\nhz4000=680123456789ffff\n");
}

static void
test_repair(void)
{
  assert_output("repair", "coded=1106747f8a95a0ab20010081295b6c54bb4fcf770d05c3c9\n"
                          "lengths=1106747f8a95a0ab20410000008ee7ecd7997d3b\n"
                          "copies=1106747f8a95a0ab20808105101b26313c2a35404b5661\n");
}

static void
test_seal(void)
{
  static const char *const lines[] = {
      "mk=b59f3cef95007d9333a840fe18edd9d5b7632bd11063a7a69f5bfc1f87ad0b0e",
      "nonce=bd9740171100978d55124def",
      "mini packet=c3000007408503d94b17a3fd286340d2a721b13828ac4ca466e25d3b564a27655fabfd02",
      "full packet=8300000800001e0000000000ae70c92d01c5f02ff20a12d66e70361c2485567a23181f9373533f3b"
      "c83e80f2",
      "base_1=bf297880b0fa664613d3f2faacbe849db24dcee6fcf698bc6c6488c0d5ba6dd0",
      "mini packet epoch "
      "1=d30000009ae950c226e38b4e1804764425a73ba672034a220b8086c779134cc9bb2c0f1d",
      "ctrl record=44666666666666666600000000fee176c803dc1c13bf8a3a9d738cfa4aff8e343f",
      "hop tag=48a9bbe2",
  };
  assert_lines("seal", lines, G_N_ELEMENTS(lines));
}

/* The keys and the record: computed by the second implementation. */
static void
test_call(void)
{
  static const char *const lines[] = {
      "CALL_MEDIA="
      "08606162636465666768696a6b6c6d6e6f518eb93562fa9e34e59c28b67fc2d384687112110e91ecb309f66f51d2"
      "57ccaa01",
      "CALL_STATUS="
      "09606162636465666768696a6b6c6d6e6f518eb93562fa9e34e59c28b67fc2d384687112110e91ecb309f66f51d2"
      "57ccaa05",
      "ACCEPT=0302",
      "REKEY=09000000011cf579aba45a10ba1d1ef06d91fca2aa9ed0a1150515653155405d0b18cb9a67",
      "app i2r 1=760a8a2e3f2bf028ca290456f7bfe354c11a8d20e2b9c78791d002eb554b475f",
      "app r2i 1=8b7b4455dd0d5ffeb92507ba13d9eefd9456a42167e6fc9b17fcaf5bea4dd9b8",
      "rekey 1=6437b4771f70cb5d35b9821ff4d3f6a1a332f051a14d863ced31167cda68b061",
      "record 1=446666666666666666100000001163d5c526afe7672bbb9bc991ea4f40739b9564",
  };
  assert_lines("call", lines, G_N_ELEMENTS(lines));
}

static void
test_raptorq(void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(raptorq_vectors); i++) {
    const RaptorqVector *vector = &raptorq_vectors[i];
    g_autofree char *command =
        g_strdup_printf("raptorq %u %u %u", vector->k, vector->t, vector->esi);
    g_autofree char *expected = g_strconcat(vector->hex, "\n", NULL);
    assert_output(command, expected);
  }
  assert_output("raptorq 5 4 2", "4f5a6570\n"); /* a source symbol */
  assert_output("raptorq 1 1 16777215", "1d\n");
  assert_refused("raptorq 0 1 1", 2, "1 to 101, not 0");
  assert_refused("raptorq 102 1 1", 2, "1 to 101, not 102");
  assert_refused("raptorq 5 0 1", 2, "1 to 1280, not 0");
  assert_refused("raptorq 5 1281 1", 2, "1 to 1280, not 1281");
  assert_refused("raptorq 5 1 16777216", 2, "0 to 16777215, not 16777216");
  assert_refused("raptorq 5 1 -1", 2, "not -1");
  assert_refused("raptorq five 1 1", 2, "not five");
  assert_refused("raptorq 5 1", 2, "Usage: vectors");
  assert_refused("raptorq 5 1 1 1", 2, "Usage: vectors");
}

static void
test_featherchat(void)
{
  assert_output(
      "featherchat",
      "room=9f93729dbc113d681de217c2bcb79a20"
      "\n"
      "offer={\"signal\":{\"CallOffer\":{\"identity_pub\":[163,122,148,124,168,204,1,15"
      "1,107,120,89,207,181,46,236,80,6,39,212,193,161,225,60,94,230,247,170,59,92,112,"
      "105,9],\"ephemeral_pub\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
      "0,0,0,0,0],\"signature\":[],\"supported_profiles\":[{\"codec\":\"Opus6k\",\"fec_"
      "ratio\":0.5,\"frame_duration_ms\":40,\"frames_per_block\":10}],\"alias\":\"Alice"
      "\"}},\"relay_addr\":\"relay.example:4433\",\"room\":\"9f93729dbc113d681de217c2bc"
      "b79a20\"}"
      "\n"
      "busy={\"CallSignal\":{\"id\":\"call-1\",\"sender_fingerprint\":\"6871:1211:0e91:"
      "ecb3:09f6:6f51:d257:ccaa\",\"signal_type\":\"Busy\",\"payload\":\"{\\\"signal\\\""
      ":{\\\"Hangup\\\":{\\\"reason\\\":\\\"Busy\\\",\\\"call_id\\\":\\\"call-1\\\"}},\\\""
      "relay_addr\\\":null,\\\"room\\\":null}\",\"target\":\"518e:b935:62fa:9e34:e59c:2"
      "8b6:7fc2:d384\"}}"
      "\n");
  assert_refused("featherchat x", 2, "Usage: vectors");
}

static void
test_use(void)
{
  g_auto(Run) help = run("--help");
  g_assert_cmpint(help.status, ==, 0);
  g_assert_cmpstr(help.err, ==, "");
  g_assert_nonnull(strstr(help.out, "Usage: vectors"));
  static const char *const wrong[] = {
      "",           "identity",         "identity 00 00", "mnemonic", "header",
      "header a b", "handshake please", "seal x",         "repair x", "comfort x",
      "room x",     "unheard-of",       "--version",
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_refused(wrong[i], 2, "Usage: vectors");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  if (argc != 2)
    g_error("give the path of the program vectors");
  program = argv[1];
  g_test_add_func("/vectors/identity", test_identity);
  g_test_add_func("/vectors/mnemonic", test_mnemonic);
  g_test_add_func("/vectors/header", test_header);
  g_test_add_func("/vectors/handshake", test_handshake);
  g_test_add_func("/vectors/seal", test_seal);
  g_test_add_func("/vectors/call", test_call);
  g_test_add_func("/vectors/repair", test_repair);
  g_test_add_func("/vectors/comfort", test_comfort);
  g_test_add_func("/vectors/room", test_room);
  g_test_add_func("/vectors/raptorq", test_raptorq);
  g_test_add_func("/vectors/featherchat", test_featherchat);
  g_test_add_func("/vectors/use", test_use);
  return g_test_run();
}
