/*
 * Two threads that send packets of known flows through the flow cache as fast as they can, one for each interface, while
 * somebody else changes the table, and check every hit: it must be one of the translations that the writer may have
 * published. Numbers in addresses, ports, station addresses and acknowledgements say what belongs together (stress.ts makes
 * them). Between packets they stay outside for a while, as drivers do.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define KEYS 24
#define FRAME_WORDS 16
#define LENGTH 60
#define TCP 6
#define UDP 17
/* TCP's flags behind the header's length. */
#define TCP_ACK 0x5010
/* Turns of a loop that a reader stays outside for at most, and packets between two gifts of its processor to others. */
#ifndef MOST_PAUSE
#define MOST_PAUSE 1024
#endif
#define YIELD_PACKETS 16

typedef struct {
  uint32_t *table;
  uint32_t interfaceIndex;
  pthread_t thread;
  uint64_t packets;
  uint64_t hits;
  /* What was wrong with the first hit that was wrong; 0 for nothing. */
  uint32_t fault;
} Reader;

static Reader readers[2];
static int isStopping;

void startReaders(uint32_t *table);
/* Answer: packets, hits and faults of the two readers until now. */
void lookAtReaders(double *answer);
void stopReaders(void);

static uint32_t get16(const uint8_t *at) {
  return (uint32_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at) {
  return get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

static uint32_t sum(const uint8_t *at, uint32_t bytes, uint32_t before) {
  for (uint32_t n = 0; n < bytes; n += 2) before += get16(at + n);
  while (before >> 16 != 0) before = (before & 0xffff) + (before >> 16);
  return before;
}

static uint32_t insideAddress(uint32_t key) { return 0xc0a80100 + key; }
static uint32_t insidePort(uint32_t key) { return 5000 + 7 * key; }
static uint32_t remoteAddress(uint32_t key) { return 0xc6336400 + key; }
static uint32_t remotePort(uint32_t key) { return 9000 + 11 * key; }
static uint32_t externalAddress(uint32_t which) { return 0xcb007100 + which * 0x01010101; }
static uint32_t externalPort(uint32_t key, uint32_t which) { return 0x4000 + key * 64 + which; }

/* Every other flow is TCP. */
static uint32_t protocolOf(uint32_t key) { return (key & 1) != 0 ? TCP : UDP; }
static uint32_t acknowledgement(uint32_t key, uint32_t side) { return 0x40000000 + key * 2 + side; }

/* A station address says its version twice, and its number. */
static void putMac(uint8_t *at, uint32_t version, uint32_t number) {
  put16(at, 0x0200 | version);
  put32(at + 2, version << 24 | number);
}

static uint32_t transportSum(const uint8_t *ip) {
  return sum(ip + 12, 8, sum(ip + 20, 26, ip[9] + 26));
}

static void make(uint8_t *ethernet, uint32_t isOutbound, uint32_t key, uint32_t which, uint32_t versions) {
  uint8_t *const ip = ethernet + 14;
  memset(ethernet, 0, LENGTH);
  put16(ethernet, 0x0200 | (versions & 3));
  put32(ethernet + 2, (versions >> 2 & 3) << 24 | (isOutbound ? 100 : 101));
  put16(ethernet + 12, 0x0800);
  put16(ip, 0x4500);
  put16(ip + 2, 46);
  put16(ip + 8, 64 << 8 | protocolOf(key));
  put32(ip + 12, isOutbound ? insideAddress(key) : remoteAddress(key));
  put32(ip + 16, isOutbound ? remoteAddress(key) : externalAddress(which));
  put16(ip + 10, ~sum(ip, 20, 0));
  put16(ip + 20, isOutbound ? insidePort(key) : remotePort(key));
  put16(ip + 22, isOutbound ? remotePort(key) : externalPort(key, which));
  if (protocolOf(key) == TCP) {
    put32(ip + 28, acknowledgement(key, isOutbound ? 0 : 1));
    put16(ip + 32, TCP_ACK);
    put16(ip + 36, ~transportSum(ip));
  } else {
    put16(ip + 24, 26);
    put16(ip + 26, ~transportSum(ip));
  }
}

/* 0 when the frame is a translation that somebody published. */
static uint32_t check(const uint8_t *ethernet, uint32_t isOutbound, uint32_t key, uint32_t which, uint32_t versions) {
  const uint8_t *const ip = ethernet + 14;
  if ((versions & 3) != (versions >> 2 & 3)) return 1;
  if (get16(ip + 8) != (63 << 8 | protocolOf(key))) return 2;
  if (sum(ip, 20, 0) != 0xffff) return 3;
  if (transportSum(ip) != 0xffff) return 4;
  if (isOutbound) {
    for (which = 0; which < 4 && get32(ip + 12) != externalAddress(which); which++);
    if (which == 4) return 5;
    if (get16(ip + 20) != externalPort(key, which)) return 6;
    if (get32(ip + 16) != remoteAddress(key) || get16(ip + 22) != remotePort(key)) return 7;
  } else {
    if (get32(ip + 16) != insideAddress(key) || get16(ip + 22) != insidePort(key)) return 8;
    if (get32(ip + 12) != remoteAddress(key) || get16(ip + 20) != remotePort(key)) return 9;
  }
  /* Four next hops on each side; both stations of one are of the same version. */
  uint8_t expected[12];
  const uint32_t version = get16(ethernet) & 3;
  putMac(expected, version, (key & 3) + (isOutbound ? 4 : 0));
  putMac(expected + 6, version, 200);
  return memcmp(ethernet, expected, 12) == 0 ? 0 : 10;
}

static void *run(void *argument) {
  Reader *const reader = argument;
  const uint32_t isOutbound = reader->interfaceIndex == 0;
  uint32_t random = 1 + reader->interfaceIndex;
  uint32_t words[FRAME_WORDS];
  uint8_t *const ethernet = (uint8_t *)words + 2;
  uint8_t frames[KEYS][4][LENGTH];
  for (uint32_t key = 0; key < KEYS; key++) {
    for (uint32_t which = 0; which < 4; which++) make(frames[key][which], isOutbound, key, which, 0);
  }
  while (!__atomic_load_n(&isStopping, __ATOMIC_RELAXED)) {
    random = random * 1664525 + 1013904223;
    const uint32_t key = (random >> 8) % KEYS;
    const uint32_t which = random >> 16 & 3;
    /* Our station's versions: most often the same in both halves. */
    uint32_t versions = (random >> 18 & 3) * 5;
    if ((random >> 20 & 7) == 0) versions ^= 1 + (random >> 23 & 1);
    memcpy(ethernet, frames[key][which], LENGTH);
    put16(ethernet, 0x0200 | (versions & 3));
    ethernet[2] = (uint8_t)(versions >> 2 & 3);
    __atomic_store_n(&reader->packets, reader->packets + 1, __ATOMIC_RELAXED);
    for (volatile uint32_t turns = random >> 10 & (MOST_PAUSE - 1); turns > 0; turns--);
    if (reader->packets % YIELD_PACKETS == 0) sched_yield();
    if (porter_flow_forward(reader->table, words, LENGTH, reader->interfaceIndex) < 0) continue;
    __atomic_store_n(&reader->hits, reader->hits + 1, __ATOMIC_RELAXED);
    const uint32_t fault = check(ethernet, isOutbound, key, which, versions);
    if (fault != 0 && reader->fault == 0) __atomic_store_n(&reader->fault, fault, __ATOMIC_RELAXED);
  }
  return NULL;
}

void startReaders(uint32_t *table) {
  isStopping = 0;
  for (uint32_t index = 0; index < 2; index++) {
    readers[index] = (Reader){.table = table, .interfaceIndex = index};
    if (pthread_create(&readers[index].thread, NULL, run, readers + index) != 0) abort();
  }
}

void lookAtReaders(double *answer) {
  for (uint32_t index = 0; index < 2; index++) {
    const Reader *const reader = readers + index;
    answer[3 * index] = (double)__atomic_load_n(&reader->packets, __ATOMIC_RELAXED);
    answer[3 * index + 1] = (double)__atomic_load_n(&reader->hits, __ATOMIC_RELAXED);
    answer[3 * index + 2] = __atomic_load_n(&reader->fault, __ATOMIC_RELAXED);
  }
}

void stopReaders(void) {
  __atomic_store_n(&isStopping, 1, __ATOMIC_RELAXED);
  for (uint32_t index = 0; index < 2; index++) pthread_join(readers[index].thread, NULL);
}
