/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "published-example.h"
#include "wzp/comfort-noise.h"
#include "wzp/control-private.h"
#include "wzp/dial-private.h"
#include "wzp/feather.h"
#include "wzp/fec-element.h"
#include "wzp/group-private.h"
#include "wzp/raptorq.h"
#include "wzp/seal.h"
#include <glib.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints the test vectors of docs/PROTOCOL.md from the running code, one name=value a line. */

static const char usage[] =
    "Usage: vectors COMMAND\n"
    "\n"
    "  identity SEEDHEX    what derives from a seed of 64 hex digits\n"
    "  mnemonic WORDS...   the seed of 24 words\n"
    "  header HEX          the header that starts a media packet\n"
    "  handshake           the published handshake example\n"
    "  seal                the published media packets, control record and hop tag\n"
    "  room                the published room with a passphrase, and a direct path in it\n"
    "  call                the published messages and keys of a dialled call\n"
    "  repair              the published bundles with repair\n"
    "  comfort             the published descriptors of comfort noise\n"
    "  raptorq K T ESI     encoding symbol ESI of the RFC 6330 block of K symbols of T bytes in "
    "which\n"
    "                      byte i of symbol j is (37 j + 11 i + 5) mod 256; hex alone\n"
    "  featherchat         the published room and call signals of featherChat\n"
    "\n"
    "Prints one name=value a line. Exit code 0: done; 1: the value was refused, standard error "
    "says\n"
    "why; 2: wrong use. Only for test seeds: everybody on a machine can read command lines.\n";

static void
print_hex(const char *name, const void *data, size_t length)
{
  g_autofree char *hex = g_malloc(2 * length + 1);
  sodium_bin2hex(hex, 2 * length + 1, data, length);
  printf("%s=%s\n", name, hex);
}

static void
print_hash(const char *name, const uint8_t *data, size_t length)
{
  uint8_t hash[32];
  wzp_sha256(hash, data, length);
  print_hex(name, hash, sizeof hash);
}

static int
refuse(const char *why)
{
  fprintf(stderr, "vectors: %s\n", why);
  return 1;
}

/* At most size bytes; false when it is not hex or longer. */
static bool
read_hex(uint8_t *out, size_t size, const char *hex, size_t *length)
{
  const char *end = NULL;
  return sodium_hex2bin(out, size, hex, strlen(hex), NULL, length, &end) == 0 && *end == '\0';
}

static int
show_identity(const char *hex)
{
  uint8_t seed[32];
  size_t length;
  if (!read_hex(seed, sizeof seed, hex, &length) || length != sizeof seed)
    return refuse("a seed is exactly 64 hex digits (0-9, a-f)");
  char fingerprint[WZP_FINGERPRINT_TEXT], mnemonic[WZP_MNEMONIC_TEXT];
  WzpIdentity *identity = wzp_identity_new(seed);
  print_hex("ed25519", identity->ed25519_public, 32);
  print_hex("x25519", identity->x25519_public, 32);
  printf("fingerprint=%s\n", wzp_fingerprint_format(identity->fingerprint, fingerprint));
  wzp_mnemonic_encode(mnemonic, seed);
  printf("mnemonic=%s\n", mnemonic);
  wzp_identity_free(identity);
  return 0;
}

static int
show_mnemonic(char **words)
{
  uint8_t seed[32];
  g_autoptr(GError) error = NULL;
  g_autofree char *text = g_strjoinv(" ", words);
  if (!wzp_mnemonic_decode(seed, text, &error))
    return refuse(error->message);
  print_hex("seed", seed, sizeof seed);
  return 0;
}

static int
show_header(const char *hex)
{
  uint8_t packet[WZP_DATAGRAM_MAX];
  size_t length, header_length;
  WzpHeader header;
  if (!read_hex(packet, sizeof packet, hex, &length))
    return refuse("the packet is not written in hex digits (0-9, a-f), two a byte, at most 1500");
  WzpResult result = wzp_header_parse(&header, packet, length, &header_length);
  if (result != WZP_OK) {
    g_autofree char *why = g_strdup_printf("not a media header: %s", wzp_result_name(result));
    return refuse(why);
  }
  printf("kind=%s\n", header.full ? "full" : "mini");
  printf("epoch_low=%u\n", header.epoch_low);
  printf("profile=%u\n", header.code);
  printf("slot=%u\n", header.slot);
  printf("seq=%u\n", header.seq);
  if (header.full) {
    printf("timestamp=%" G_GUINT32_FORMAT "\n", header.timestamp);
    printf("epoch=%u\n", header.epoch8);
    printf("flags=%u\n", header.flags);
  }
  return 0;
}

/* th2, th3 and the X25519 result are no outputs of a handshake: from its messages, as the text says. */
static void
show_transcript(const Example *example, const uint8_t *hs1, size_t hs1_length, const uint8_t *hs2,
                size_t hs2_length)
{
  const size_t head = 66;
  uint8_t buffer[512], prologue[64], th2[32], th3[32], secret[32], ss[32];
  WzpWriter p, w;
  wzp_writer_init(&p, prologue, sizeof prologue);
  wzp_writer_label(&p, "wz1 handshake");
  wzp_writer_u8(&p, WZP_MODE_CALL);
  wzp_writer_bytes(&p, example->config_i.call_id, 16);
  wzp_writer_bytes(&p, example->config_i.caller, WZP_FINGERPRINT_SIZE);
  wzp_writer_bytes(&p, example->config_i.callee, WZP_FINGERPRINT_SIZE);

  wzp_writer_init(&w, buffer, sizeof buffer);
  wzp_writer_lp(&w, prologue, p.length);
  wzp_writer_lp(&w, hs1, hs1_length);
  wzp_writer_lp(&w, hs2, head);
  wzp_sha256(th2, buffer, w.length);
  wzp_writer_init(&w, buffer, sizeof buffer);
  wzp_writer_bytes(&w, th2, sizeof th2);
  wzp_writer_lp(&w, hs2 + head, hs2_length - head);
  g_assert(!p.failed && !w.failed);
  wzp_sha256(th3, buffer, w.length);
  memset(secret, 0x11, sizeof secret);
  g_assert_true(wzp_x25519(ss, secret, hs2 + 18));
  print_hex("th2", th2, sizeof th2);
  print_hex("th3", th3, sizeof th3);
  print_hex("ss", ss, sizeof ss);
}

static void
show_ice(const WzpHandshakeKeys *keys, char role, const char *what, size_t length)
{
  uint8_t info[32], out[24];
  WzpWriter w;
  wzp_writer_init(&w, info, sizeof info);
  wzp_writer_label(&w, "wz1 ");
  wzp_writer_label(&w, what);
  wzp_writer_u16(&w, 0);
  wzp_writer_u8(&w, (uint8_t)role);
  wzp_hkdf_expand(out, length, keys->ice, info, w.length);
  g_autofree char *text = g_base64_encode(out, length);
  printf("ice %c %s=%s\n", role, what, text);
}

static int
show_handshake(void)
{
  Example example;
  WzpHandshakeKeys keys;
  size_t hs1_length, hs2_length, hs3_length, payload_length;
  const uint8_t *payload;
  example_init(&example);
  WzpInitiator *initiator = example_initiator(&example);
  WzpResponder *responder = example_responder(&example, initiator);
  const uint8_t *hs1 = wzp_initiator_message(initiator, &hs1_length);
  const uint8_t *hs2 = wzp_responder_message(responder, &hs2_length);
  show_transcript(&example, hs1, hs1_length, hs2, hs2_length);
  print_hash("H(HS1)", hs1, hs1_length);
  print_hash("H(HS2)", hs2, hs2_length);
  g_assert_cmpint(
      wzp_initiator_read_hs2(initiator, hs2, hs2_length, &payload, &payload_length, NULL), ==,
      WZP_OK);
  g_assert_cmpint(wzp_initiator_finish(initiator, NULL, 0, &keys), ==, WZP_OK);
  const uint8_t *hs3 = wzp_initiator_message(initiator, &hs3_length);
  print_hash("H(HS3)", hs3, hs3_length);
  /* shown is what the responder has: both ends agree or nothing is shown */
  g_assert_cmpint(
      wzp_responder_read_hs3(responder, hs3, hs3_length, &keys, &payload, &payload_length), ==,
      WZP_OK);

  char words[WZP_SAS_WORDS_TEXT], digits[7];
  wzp_sas_words(words, keys.sas);
  wzp_sas_digits(digits, keys.sas);
  print_hex("th4", keys.th4, sizeof keys.th4);
  print_hex("sas", keys.sas, sizeof keys.sas);
  printf("sas words=%s\n", words);
  printf("sas digits=%s\n", digits);
  print_hex("app i2r", keys.app_i2r, sizeof keys.app_i2r);
  print_hex("app r2i", keys.app_r2i, sizeof keys.app_r2i);
  print_hex("media i", keys.media_i, sizeof keys.media_i);
  print_hex("media r", keys.media_r, sizeof keys.media_r);
  print_hex("rekey", keys.rekey, sizeof keys.rekey);
  print_hex("hop i2r", keys.hop_i2r, sizeof keys.hop_i2r);
  print_hex("hop r2i", keys.hop_r2i, sizeof keys.hop_r2i);
  WzpHopKeys hop_keys;
  wzp_hop_keys_init(&hop_keys, keys.hop_i2r);
  print_hex("hop wrap", wzp_hop_keys_at(&hop_keys, 1), sizeof keys.hop_i2r);
  print_hex("path i2r", keys.path_i2r, sizeof keys.path_i2r);
  print_hex("path r2i", keys.path_r2i, sizeof keys.path_r2i);
  for (const char *role = "ir"; *role; role++) {
    show_ice(&keys, *role, "ufrag", 6);
    show_ice(&keys, *role, "pwd", 24);
  }
  wzp_initiator_free(initiator);
  wzp_responder_free(responder);
  example_clear(&example);
  return 0;
}

#define PLAIN "opus frame bytes"
#define CODE 3

static size_t
seal(WzpSender *sender, bool full, uint32_t timestamp, uint8_t packet[64])
{
  const WzpSealRequest request = {.code = CODE, .timestamp = timestamp, .full = full};
  size_t length;
  g_assert_cmpint(
      wzp_sender_seal(sender, &request, PLAIN, strlen(PLAIN), packet, 64, &length, NULL), ==,
      WZP_OK);
  return length;
}

/* mk and the nonce stay inside the sender: from the key formulas. */
static void
show_packet_keys(const uint8_t base[32], const uint8_t sid[32], uint32_t epoch, uint16_t seq)
{
  static const char *const labels[] = {"wz1 mk", "wz1 ms"};
  uint8_t out[2][32], info[6 + 4 + 32];
  const size_t sizes[] = {32, WZP_NONCE_SIZE};
  for (unsigned i = 0; i < 2; i++) {
    WzpWriter w;
    wzp_writer_init(&w, info, sizeof info);
    wzp_writer_label(&w, labels[i]);
    wzp_writer_u32(&w, epoch);
    wzp_writer_bytes(&w, sid, 32);
    wzp_hkdf_expand(out[i], sizes[i], base, info, w.length);
  }
  for (unsigned i = 0; i < 4; i++)
    out[1][6 + i] ^= (uint8_t)(epoch >> (24 - 8 * i));
  out[1][10] ^= (uint8_t)(seq >> 8);
  out[1][11] ^= (uint8_t)seq;
  print_hex("mk", out[0], 32);
  print_hex("nonce", out[1], WZP_NONCE_SIZE);
}

/* Of the identities and the random bytes of the published handshake: e and j in the place of e and n. */
static void
show_room_path(const WzpRoomSecret *secret, const WzpIdentity *relay)
{
  uint8_t blob[WZP_JOIN_BLOB_SIZE], e_secret[2][32], send[32], receive[32];
  WzpJoin join[2];
  WzpPathConfig path;
  Example example;
  example_init(&example);
  for (unsigned i = 0; i < 2; i++) {
    uint8_t e[32], j[16];
    memset(e_secret[i], i == 0 ? 0x11 : 0x22, sizeof e_secret[i]);
    memset(j, i == 0 ? 0x33 : 0x44, sizeof j);
    wzp_x25519_base(e, e_secret[i]);
    wzp_join_build(blob, &join[i], i == 0 ? example.identity_i : example.identity_r, secret,
                   relay->ed25519_public, e, j);
  }
  example_clear(&example);
  wzp_pair_keys(send, receive, &path, secret, &join[0], e_secret[0], &join[1]);
  print_hex("path lo", path.initiator ? path.send_key : path.receive_key, 32);
  print_hex("path hi", path.initiator ? path.receive_key : path.send_key, 32);
  print_hex("ice", path.ice, sizeof path.ice);
}

static int
show_room(void)
{
  WzpRoomSecret secret;
  uint8_t seed[32] = {0}, room_id[32];
  if (!wzp_room_secret_passphrase(&secret, "kitchen", "correct horse battery staple"))
    return refuse("there are no 64 MiB of memory");
  WzpIdentity *relay = wzp_identity_new(seed);
  wzp_room_id(room_id, &secret, relay->ed25519_public);
  print_hex("psk", secret.psk, sizeof secret.psk);
  print_hex("room_id", room_id, sizeof room_id);
  show_room_path(&secret, relay);
  wzp_identity_free(relay);
  return 0;
}

static int
show_seal(void)
{
  WzpHandshakeKeys keys;
  Example example;
  uint8_t both[64], sid[32], base_1[32], mini[64], packet[64];
  size_t mini_length, length;
  example_init(&example);
  example_keys(&keys);
  memcpy(both, example.identity_i->ed25519_public, 32);
  memcpy(both + 32, keys.th4, 32);
  wzp_sha256(sid, both, sizeof both);
  example_clear(&example);

  WzpSender *sender = wzp_sender_new(sid, keys.media_i, 0);
  for (unsigned seq = 0; seq < 7; seq++)
    seal(sender, false, 0, packet);
  wzp_sender_ratcheted_base(sender, base_1);
  mini_length = seal(sender, false, 0, mini);
  print_hex("sid", sid, sizeof sid);
  show_packet_keys(keys.media_i, sid, 0, 7);
  print_hex("mini packet", mini, mini_length);
  length = seal(sender, true, 7680, packet);
  print_hex("full packet", packet, length);
  wzp_sender_free(sender);

  sender = wzp_sender_new(sid, base_1, 1);
  length = seal(sender, false, 0, packet);
  print_hex("base_1", base_1, sizeof base_1);
  print_hex("mini packet epoch 1", packet, length);
  wzp_sender_free(sender);

  WzpControlConfig config;
  WzpRecords records;
  wzp_control_config_from_keys(&config, &keys, true);
  wzp_records_init(&records, &config);
  memcpy(packet + WZP_RECORD_HEADER_SIZE, "ping", 4);
  length = wzp_records_seal(&records, packet, 4);
  print_hex("ctrl record", packet, length);

  uint8_t tag[crypto_shorthash_BYTES];
  crypto_shorthash(tag, mini, mini_length, keys.hop_i2r);
  print_hex("hop tag", tag, 4);
  return 0;
}

static void
print_call_message(const char *name, const Example *example, WzpCallMessage message)
{
  memcpy(message.route.id, example->config_i.call_id, sizeof message.route.id);
  memcpy(message.route.caller, example->config_i.caller, sizeof message.route.caller);
  memcpy(message.route.callee, example->config_i.callee, sizeof message.route.callee);
  g_autoptr(GBytes) bytes = wzp_call_message_build(&message);
  print_hex(name, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static void
print_dial_message(const char *name, const WzpDialMessage *message)
{
  uint8_t bytes[WZP_DIAL_MESSAGE_MAX];
  print_hex(name, bytes, wzp_dial_message_write(bytes, message));
}

static int
show_call(void)
{
  WzpHandshakeKeys keys;
  WzpDialKeys next;
  Example example;
  uint8_t secrets[2][32], publics[2][32], record[64];
  example_init(&example);
  example_keys(&keys);
  print_call_message(
      "CALL_MEDIA", &example,
      (WzpCallMessage){.kind = WZP_MESSAGE_CALL_MEDIA, .media = WZP_CALL_MEDIA_JOIN});
  print_call_message(
      "CALL_STATUS", &example,
      (WzpCallMessage){.kind = WZP_MESSAGE_CALL_STATUS, .status = WZP_CALL_TOGETHER});
  example_clear(&example);
  print_dial_message("ACCEPT",
                     &(WzpDialMessage){.type = WZP_DIAL_ACCEPT, .mode = WZP_ACCEPT_PRIVATE});

  for (unsigned i = 0; i < 2; i++) {
    memset(secrets[i], i == 0 ? 0x77 : 0x88, 32);
    wzp_x25519_base(publics[i], secrets[i]);
  }
  WzpDialMessage rekey = {.type = WZP_DIAL_REKEY, .number = 1};
  memcpy(rekey.key, publics[0], sizeof rekey.key);
  print_dial_message("REKEY", &rekey);
  memcpy(next.rekey, keys.rekey, sizeof next.rekey);
  g_assert_true(wzp_dial_next_keys(&next, secrets[0], publics[1], publics[0], publics[1], 1));
  print_hex("app i2r 1", next.app_i2r, 32);
  print_hex("app r2i 1", next.app_r2i, 32);
  print_hex("rekey 1", next.rekey, 32);

  WzpControlConfig config;
  WzpRecords records;
  wzp_control_config_from_keys(&config, &keys, true);
  wzp_records_init(&records, &config);
  wzp_records_rekey(&records, next.app_i2r, next.app_r2i, true);
  memcpy(record + WZP_RECORD_HEADER_SIZE, "ping", 4);
  size_t length = wzp_records_seal(&records, record, 4);
  print_hex("record 1", record, length);
  return 0;
}

/* A bundle with the frames 3 and one element over the frames before, which are as long as said. */
static void
print_repair(const char *name, const size_t lengths[4], const WzpFecElement *like)
{
  uint8_t frames[4][8] = {0}, symbols[64], body[64], bytes[128];
  const uint8_t *source[4];
  WzpFecElement element = *like;
  WzpWriter writer;
  unsigned lead = element.lengths ? 0 : 2, first = 3 - element.offset - element.window;
  element.symbol_length = element.lengths ? 8 : 6;
  element.symbols = symbols;
  for (unsigned j = 0; j < 4; j++) {
    frames[j][1] = (uint8_t)lengths[j];
    for (unsigned i = 0; i < lengths[j]; i++)
      frames[j][2 + i] = (uint8_t)(37 * j + 11 * i + 5);
    source[j] = frames[j] + lead;
  }
  for (unsigned j = 0; j < element.n_symbols; j++) {
    uint8_t *out = symbols + j * element.symbol_length;
    if (element.copies)
      memcpy(out, source[first + j], element.symbol_length);
    else
      wzp_raptorq_encode_one(element.window, source + first, element.window + element.esi_step + j,
                             out, element.symbol_length);
  }
  wzp_writer_init(&writer, body, sizeof body);
  wzp_fec_element_write(&writer, &element);
  size_t body_length = writer.length;
  wzp_writer_init(&writer, bytes, sizeof bytes);
  wzp_bundle_write(&writer, WZP_ELEMENT_FRAMES, frames[3] + 2, lengths[3], false);
  wzp_bundle_write(&writer, WZP_ELEMENT_REPAIR, body, body_length, true);
  print_hex(name, bytes, writer.length);
}

static int
show_repair(void)
{
  static const size_t even[4] = {6, 6, 6, 6}, uneven[4] = {6, 4, 6, 6};
  print_repair("coded", even, &(WzpFecElement){.window = 3, .n_symbols = 2, .esi_step = 8});
  print_repair("lengths", uneven, &(WzpFecElement){.window = 3, .n_symbols = 1, .lengths = true});
  print_repair("copies", even,
               &(WzpFecElement){.window = 2, .n_symbols = 2, .offset = 1, .copies = true});
  return 0;
}

static int
show_comfort(void)
{
  WzpNoise noise;
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++)
    noise.power[b] = (float)pow(10, -5.5 - 0.3 * b);
  static const unsigned bandwidths[] = {20000, 4000};
  for (unsigned i = 0; i < G_N_ELEMENTS(bandwidths); i++) {
    uint8_t bytes[WZP_COMFORT_SIZE];
    char hex[2 * WZP_COMFORT_SIZE + 1];
    wzp_comfort_write(&noise, bandwidths[i], bytes);
    printf("hz%u=%s\n", bandwidths[i], sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes));
  }
  return 0;
}

/* Between the two identities of the handshake example. */
static int
show_featherchat(void)
{
  static const WzpFeatherProfile profile = {
      .codec = "Opus6k", .fec_ratio = 0.5, .frame_msec = 40, .frames_per_block = 10};
  WzpFeatherPayload offer = {
      .signal = {.kind = WZP_FEATHER_CALL_OFFER, .n_profiles = 1, .alias = "Alice"},
      .relay = "relay.example:4433"};
  WzpFeatherCall busy = {.id = "call-1",
                         .type = WZP_FEATHER_TYPE_BUSY,
                         .payload = {.signal = {.kind = WZP_FEATHER_HANGUP,
                                                .reason = WZP_FEATHER_REASON_BUSY,
                                                .call_id = "call-1"}}};
  Example example;
  example_init(&example);
  wzp_feather_room(offer.room, "warzone-squad");
  memcpy(offer.signal.identity, example.identity_i->ed25519_public, 32);
  offer.signal.profiles[0] = profile;
  wzp_fingerprint_format(example.identity_r->fingerprint, busy.sender);
  wzp_fingerprint_format(example.identity_i->fingerprint, busy.target);
  example_clear(&example);
  g_autofree char *payload = wzp_feather_payload_build(&offer);
  g_autofree char *call = wzp_feather_call_build(&busy);
  printf("room=%s\noffer=%s\nbusy=%s\n", offer.room, payload, call);
  return 0;
}

static int
wrong_use(const char *why, const char *what)
{
  fprintf(stderr, "vectors: %s%s\n\n%s", why, what, usage);
  return 2;
}

/* raptorq takes numbers only: another is wrong use. */
static bool
read_number(const char *text, unsigned min, unsigned max, unsigned *number)
{
  guint64 value;
  if (!g_ascii_string_to_unsigned(text, 10, min, max, &value, NULL))
    return false;
  *number = (unsigned)value;
  return true;
}

static int
show_raptorq(char **arguments)
{
  uint8_t bytes[WZP_RAPTORQ_K_MAX][WZP_RAPTORQ_SYMBOL_MAX], out[WZP_RAPTORQ_SYMBOL_MAX];
  const uint8_t *source[WZP_RAPTORQ_K_MAX];
  unsigned k, t, esi;
  if (!read_number(arguments[0], 1, WZP_RAPTORQ_K_MAX, &k))
    return wrong_use("K is a number from 1 to 101, not ", arguments[0]);
  if (!read_number(arguments[1], 1, WZP_RAPTORQ_SYMBOL_MAX, &t))
    return wrong_use("T is a number from 1 to 1280, not ", arguments[1]);
  if (!read_number(arguments[2], 0, WZP_RAPTORQ_ESI_MAX, &esi))
    return wrong_use("ESI is a number from 0 to 16777215, not ", arguments[2]);
  for (unsigned j = 0; j < k; j++) {
    source[j] = bytes[j];
    for (unsigned i = 0; i < t; i++)
      bytes[j][i] = (uint8_t)(37 * j + 11 * i + 5);
  }
  wzp_raptorq_encode_one(k, source, esi, out, t);
  g_autofree char *hex = g_malloc(2 * t + 1);
  puts(sodium_bin2hex(hex, 2 * t + 1, out, t));
  return 0;
}

int
main(int argc, char **argv)
{
  const char *command = argc > 1 ? argv[1] : NULL;
  wzp_init();
  if (!command)
    return wrong_use(
        "say which vectors: identity, mnemonic, header, handshake, seal, call, repair, "
        "comfort, raptorq or featherchat",
        "");
  if (g_str_equal(command, "--help") || g_str_equal(command, "-h")) {
    fputs(usage, stdout);
    return 0;
  }
  if (g_str_equal(command, "identity"))
    return argc == 3 ? show_identity(argv[2]) : wrong_use("identity takes one seed in hex", "");
  if (g_str_equal(command, "mnemonic"))
    return argc > 2 ? show_mnemonic(argv + 2) : wrong_use("mnemonic takes 24 words", "");
  if (g_str_equal(command, "header"))
    return argc == 3 ? show_header(argv[2]) : wrong_use("header takes one packet in hex", "");
  if (g_str_equal(command, "handshake"))
    return argc == 2 ? show_handshake() : wrong_use("handshake takes no argument", "");
  if (g_str_equal(command, "seal"))
    return argc == 2 ? show_seal() : wrong_use("seal takes no argument", "");
  if (g_str_equal(command, "room"))
    return argc == 2 ? show_room() : wrong_use("room takes no argument", "");
  if (g_str_equal(command, "call"))
    return argc == 2 ? show_call() : wrong_use("call takes no argument", "");
  if (g_str_equal(command, "featherchat"))
    return argc == 2 ? show_featherchat() : wrong_use("featherchat takes no argument", "");
  if (g_str_equal(command, "repair"))
    return argc == 2 ? show_repair() : wrong_use("repair takes no argument", "");
  if (g_str_equal(command, "comfort"))
    return argc == 2 ? show_comfort() : wrong_use("comfort takes no argument", "");
  if (g_str_equal(command, "raptorq"))
    return argc == 5 ? show_raptorq(argv + 2)
                     : wrong_use("raptorq takes K, T and ESI, for example: raptorq 5 32 7", "");
  return wrong_use("unknown command: ", command);
}
