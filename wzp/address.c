/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "address.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static size_t
ip_size(uint8_t family)
{
  return family == 4 ? 4 : family == 6 ? 16 : 0;
}

static void
set_v6(WzpAddress *address, const uint8_t bytes[16], uint16_t port, uint32_t scope)
{
  *address = (WzpAddress){.family = 6, .port = port, .scope = scope};
  if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
    address->family = 4;
    address->scope = 0;
    memcpy(address->bytes, bytes + 12, 4);
  } else {
    memcpy(address->bytes, bytes, 16);
  }
}

bool
wzp_address_equal(const WzpAddress *a, const WzpAddress *b)
{
  return a->family == b->family && a->port == b->port && a->scope == b->scope &&
         a->stream == b->stream && memcmp(a->bytes, b->bytes, ip_size(a->family)) == 0;
}

bool
wzp_address_from_sockaddr(WzpAddress *address, const struct sockaddr *from, socklen_t length)
{
  *address = (WzpAddress){0};
  if (from == NULL || length < sizeof from->sa_family)
    return false;
  if (from->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in in;
    memcpy(&in, from, sizeof in);
    address->family = 4;
    address->port = ntohs(in.sin_port);
    memcpy(address->bytes, &in.sin_addr, 4);
    return true;
  }
  if (from->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 in6;
    memcpy(&in6, from, sizeof in6);
    set_v6(address, in6.sin6_addr.s6_addr, ntohs(in6.sin6_port), in6.sin6_scope_id);
    return true;
  }
  return false;
}

socklen_t
wzp_address_to_sockaddr(const WzpAddress *address, struct sockaddr_storage *to, bool v6_socket)
{
  memset(to, 0, sizeof *to);
  if (address->family == 4 && !v6_socket) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    memcpy(&in.sin_addr, address->bytes, 4);
    memcpy(to, &in, sizeof in);
    return sizeof in;
  }
  if (address->family != 4 && address->family != 6)
    return 0;

  struct sockaddr_in6 in6 = {
      .sin6_family = AF_INET6,
      .sin6_port = htons(address->port),
      .sin6_scope_id = address->scope,
  };
  if (address->family == 4) {
    memcpy(in6.sin6_addr.s6_addr, mapped_prefix, sizeof mapped_prefix);
    memcpy(in6.sin6_addr.s6_addr + 12, address->bytes, 4);
  } else {
    memcpy(in6.sin6_addr.s6_addr, address->bytes, 16);
  }
  memcpy(to, &in6, sizeof in6);
  return sizeof in6;
}

const char *
wzp_address_format(const WzpAddress *address, char text[WZP_ADDRESS_TEXT])
{
  char ip[INET6_ADDRSTRLEN];

  if (address->family == 4) {
    inet_ntop(AF_INET, address->bytes, ip, sizeof ip);
    snprintf(text, WZP_ADDRESS_TEXT, "%s:%u", ip, address->port);
  } else if (address->family == 6) {
    inet_ntop(AF_INET6, address->bytes, ip, sizeof ip);
    if (address->scope != 0)
      snprintf(text, WZP_ADDRESS_TEXT, "[%s%%%u]:%u", ip, address->scope, address->port);
    else
      snprintf(text, WZP_ADDRESS_TEXT, "[%s]:%u", ip, address->port);
  } else {
    snprintf(text, WZP_ADDRESS_TEXT, "none");
  }
  return text;
}

/* Digits only, the whole text. */
static bool
parse_number(const char *text, uint64_t max, uint64_t *value)
{
  uint64_t number = 0;
  if (*text == '\0')
    return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9')
      return false;
    number = number * 10 + (uint64_t)(*text - '0');
    if (number > max)
      return false;
  }
  *value = number;
  return true;
}

bool
wzp_address_parse(WzpAddress *address, const char *text)
{
  char ip[WZP_ADDRESS_TEXT];
  uint64_t port, scope = 0;
  bool bracketed;

  *address = (WzpAddress){0};
  const char *colon = text == NULL ? NULL : strrchr(text, ':');
  if (colon == NULL || !parse_number(colon + 1, UINT16_MAX, &port))
    return false;
  bracketed = text[0] == '[';
  size_t length = (size_t)(colon - text);
  if (bracketed) {
    if (length < 2 || colon[-1] != ']')
      return false;
    text++;
    length -= 2;
  }
  if (length == 0 || length >= sizeof ip)
    return false;
  memcpy(ip, text, length);
  ip[length] = '\0';

  uint8_t bytes[16];
  if (!bracketed) {
    if (inet_pton(AF_INET, ip, bytes) != 1)
      return false;
    address->family = 4;
    address->port = (uint16_t)port;
    memcpy(address->bytes, bytes, 4);
    return true;
  }
  char *percent = strchr(ip, '%');
  if (percent != NULL) {
    *percent = '\0';
    if (!parse_number(percent + 1, UINT32_MAX, &scope))
      return false;
  }
  if (inet_pton(AF_INET6, ip, bytes) != 1)
    return false;
  set_v6(address, bytes, (uint16_t)port, (uint32_t)scope);
  return true;
}

void
wzp_address_write(const WzpAddress *address, WzpWriter *writer)
{
  wzp_writer_u8(writer, address->family);
  wzp_writer_u16(writer, address->port);
  wzp_writer_bytes(writer, address->bytes, ip_size(address->family));
}

bool
wzp_address_read(WzpAddress *address, WzpReader *reader)
{
  uint8_t bytes[16] = {0};
  uint8_t family = wzp_reader_u8(reader);
  uint16_t port = wzp_reader_u16(reader);

  *address = (WzpAddress){0};
  if (family != 4 && family != 6) {
    reader->failed = true;
    return false;
  }
  if (!wzp_reader_copy(reader, bytes, ip_size(family)))
    return false;
  if (family == 6) {
    set_v6(address, bytes, port, 0);
    return true;
  }
  address->family = 4;
  address->port = port;
  memcpy(address->bytes, bytes, 4);
  return true;
}
