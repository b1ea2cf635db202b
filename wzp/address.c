/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "address.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool
wzp_address_equal(const WzpAddress *a, const WzpAddress *b)
{
  return a->family == b->family && a->port == b->port && a->scope == b->scope &&
         memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void
set_v6(WzpAddress *address, const uint8_t bytes[16])
{
  if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
    address->family = 4;
    memcpy(address->bytes, bytes + 12, 4);
  } else {
    address->family = 6;
    memcpy(address->bytes, bytes, 16);
  }
}

bool
wzp_address_from_sockaddr(WzpAddress *address, const struct sockaddr *from, socklen_t length)
{
  memset(address, 0, sizeof *address);
  if (from->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in in;
    memcpy(&in, from, sizeof in);
    address->family = 4;
    address->port = ntohs(in.sin_port);
    memcpy(address->bytes, &in.sin_addr, 4);
    return true;
  }
  if (from->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 in;
    memcpy(&in, from, sizeof in);
    address->port = ntohs(in.sin6_port);
    set_v6(address, in.sin6_addr.s6_addr);
    if (address->family == 6)
      address->scope = in.sin6_scope_id;
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
  struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
  if (address->family == 4) {
    memcpy(in.sin6_addr.s6_addr, mapped_prefix, 12);
    memcpy(in.sin6_addr.s6_addr + 12, address->bytes, 4);
  } else {
    memcpy(in.sin6_addr.s6_addr, address->bytes, 16);
    in.sin6_scope_id = address->scope;
  }
  memcpy(to, &in, sizeof in);
  return sizeof in;
}

const char *
wzp_address_format(const WzpAddress *address, char text[WZP_ADDRESS_TEXT])
{
  char ip[INET6_ADDRSTRLEN];
  if (address->family == 4 && inet_ntop(AF_INET, address->bytes, ip, sizeof ip) != NULL)
    snprintf(text, WZP_ADDRESS_TEXT, "%s:%u", ip, address->port);
  else if (address->family == 6 && inet_ntop(AF_INET6, address->bytes, ip, sizeof ip) != NULL)
    snprintf(text, WZP_ADDRESS_TEXT, "[%s]:%u", ip, address->port);
  else
    snprintf(text, WZP_ADDRESS_TEXT, "none");
  return text;
}

bool
wzp_address_parse(WzpAddress *address, const char *text)
{
  char host[INET6_ADDRSTRLEN];
  bool v6 = text[0] == '[';
  const char *start = v6 ? text + 1 : text;
  const char *end = strchr(start, v6 ? ']' : ':');
  memset(address, 0, sizeof *address);
  if (end == NULL || (size_t)(end - start) >= sizeof host)
    return false;
  memcpy(host, start, (size_t)(end - start));
  host[end - start] = '\0';
  const char *port_text = v6 ? end + 1 : end;
  if (port_text[0] != ':' || port_text[1] < '0' || port_text[1] > '9')
    return false;
  char *rest;
  unsigned long port = strtoul(port_text + 1, &rest, 10);
  if (*rest != '\0' || port > 65535)
    return false;
  address->port = (uint16_t)port;
  uint8_t bytes[16];
  if (v6) {
    if (inet_pton(AF_INET6, host, bytes) != 1)
      return false;
    set_v6(address, bytes);
    return true;
  }
  address->family = 4;
  return inet_pton(AF_INET, host, address->bytes) == 1;
}

void
wzp_address_write(const WzpAddress *address, WzpWriter *writer)
{
  wzp_writer_u8(writer, address->family);
  wzp_writer_u16(writer, address->port);
  wzp_writer_bytes(writer, address->bytes, address->family == 4 ? 4 : 16);
}

bool
wzp_address_read(WzpAddress *address, WzpReader *reader)
{
  memset(address, 0, sizeof *address);
  address->family = wzp_reader_u8(reader);
  address->port = wzp_reader_u16(reader);
  if (address->family != 4 && address->family != 6)
    reader->failed = true;
  return wzp_reader_copy(reader, address->bytes, address->family == 4 ? 4 : 16);
}
