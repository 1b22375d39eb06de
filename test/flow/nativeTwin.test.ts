import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { buildFlowCache, CACHE_C, LIBRARY_FLAGS } from "../../host-sim/buildFlowCache.js";
import { describeIf } from "../support/skip.js";
import { besideThisFile, canBuild } from "./native/build.js";
import { compareTwins } from "./native/rounds.js";

/** For a longer run, and for another one. */
const FRAMES = Number(process.env.PORTER_TWIN_FRAMES ?? 1_000_000);
const SEED = Number(process.env.PORTER_TWIN_SEED ?? 1);
const TIMEOUT_MS = 60_000 + FRAMES / 10;

/** Slips that the comparison must see: each replaces the first text, which cache.c has once, by the second. */
const SLIPS: readonly (readonly [name: string, text: string, replacement: string])[] = [
  ["a frame shorter than its packet", "length < totalBytes + ETHERNET_BYTES ||", ""],
  ["a trailer behind a long packet", "length > MINIMUM_FRAME_BYTES", "length > MINIMUM_FRAME_BYTES + 1"],
  ["another EtherType", "words[3] >> 16 != ETHERTYPE_IPV4", "(words[3] >> 16 & 0xff) != ETHERTYPE_IPV4"],
  ["options", "(word4 & 0xff) != 0x45", "(word4 & 0xf0) != 0x40"],
  ["the reserved fragment flag", "FRAGMENT_BITS 0xffbf0000", "FRAGMENT_BITS 0xff3f0000"],
  ["a last hop", "(word6 & 0xff) <= 1", "(word6 & 0xff) < 1"],
  [
    "a station address that differs in its first byte",
    "(words[0] & UPPER_HALF) != published(inInterface)",
    "(words[0] ^ published(inInterface)) >> 24",
  ],
  ["a station address that differs in its last bytes", "if (words[1] != inInterface[1]) return MISS;", ""],
  [
    "the MTU of the wrong side",
    "totalBytes > table[FLOW_INTERFACES + out *",
    "totalBytes > table[FLOW_INTERFACES + in *",
  ],
  ["a packet of the MTU's size", "totalBytes > table[FLOW", "totalBytes >= table[FLOW"],
  ["a RST", "TCP_HEADER_FLAGS 0x17f0", "TCP_HEADER_FLAGS 0x13f0"],
  ["a TCP header longer than the segment", " || options > (uint32_t)optionBytes * 4", ""],
  ["a TCP header of 16 bytes", "TCP_ACK_SHORTEST 0x1050", "TCP_ACK_SHORTEST 0x1040"],
  ["a UDP length", "!= totalBytes - 20) return", "> totalBytes - 20) return"],
  ["a datagram of 27 bytes", "totalBytes < SHORTEST_BYTES - ETHERNET_BYTES", "0"],
  ["an IP header checksum that was not folded", "foldUpwards(headerSum) < UPPER_HALF", "headerSum % 0x10000 == 0"],
  ["another inside address", "record[FLOW_INSIDE_ADDRESS] == source\n", "1\n"],
  ["another remote address", "&& record[FLOW_REMOTE_ADDRESS] == source", ""],
  ["another protocol", "if (carried != CARRIED_UDP) return MISS;", ""],
  ["a session without the NAT's consent", "& 0xff) | FLOW_CARRIED;", "& 0xff) | FLOW_FLAG_HOP;"],
  ["a second record in a chain", "index = inboundLink(relaxed(record + FLOW_CHAINS))", "return MISS"],
  ["a packet to another address", "if (destination != table[FLOW_EXTERNAL_ADDRESS]) return MISS;", ""],
  [
    "the last second of a record",
    "(int32_t)(tick - relaxed(lastSeen)) > (int32_t)relaxed(lifetime)",
    "tick - relaxed(lastSeen) >= relaxed(lifetime)",
  ],
  ["the lifetimes mixed up", "table + FLOW_TCP_LIFETIME", "table + FLOW_UDP_LIFETIME"],
  ["an epoch that has passed", "if ((uint16_t)station != (uint16_t)name) return MISS;", ""],
  ["the wrong next hop", "relaxed(record + FLOW_OUTBOUND_WAY)", "relaxed(record + FLOW_INBOUND_WAY)"],
  ["a carry of the header's sum", "return sum + (sum < word);", "return sum;"],
  ["a carry of a checksum", "return sum + swappedHalves(sum);", "return sum << 16;"],
  [
    "the change of the address in a checksum",
    "to.addressDelta = addWithCarry(~address, to.address);",
    "to.addressDelta = 0;",
  ],
  ["a UDP checksum of none", "if (before != 0)", ""],
  ["a UDP checksum that comes out as none", "checksum == 0 ? 0xffff : checksum", "checksum"],
  ["the acknowledgement of the other side", "FLOW_ACK_WORDS + in)", "FLOW_ACK_WORDS + out)"],
  ["a stamp", "stamp(lastSeen, tick);", ""],
  ["the identification of a packet that is not to be fragmented", "(word5 & DONT_FRAGMENT) == 0", "1"],
  ["the identifications' end", "(uint16_t)(table[FLOW_IDENTIFICATION] + 2)", "table[FLOW_IDENTIFICATION] + 2"],
  ["a new identification in the checksum", "headerDelta += identification - word5;", ""],
  ["half an address in the hash", "half(frame, addressAt + 2) + secrets[1]", "secrets[1]"],
];

const DRIVER = [besideThisFile("driver.c")];

describeIf(canBuild(), "needs a C compiler `cc`", "the flow cache in C", () => {
  it(`does what the one in TypeScript does, on ${FRAMES} frames, seed ${SEED}`, { timeout: TIMEOUT_MS }, () => {
    const tally = compareTwins(buildFlowCache(DRIVER, LIBRARY_FLAGS), SEED, FRAMES);
    console.log(`seed ${SEED}: ${JSON.stringify(tally)}`);
    expect(tally.frames).toBeGreaterThanOrEqual(FRAMES);
    // The traffic is worth its while.
    for (const count of [tally.outbound, tally.inbound, tally.missed])
      expect(count / tally.frames).toBeGreaterThan(0.15);
    expect(tally.changes / tally.frames).toBeGreaterThan(0.1);
  });

  it.each(SLIPS)("would not get away with a slip about %s", { timeout: TIMEOUT_MS }, (_, text, replacement) => {
    const cacheC = readFileSync(CACHE_C, "utf8");
    expect(cacheC.split(text)).toHaveLength(2);
    const library = buildFlowCache(DRIVER, [...LIBRARY_FLAGS, "-Wno-error"], cacheC.replace(text, replacement));
    expect(() => compareTwins(library, 1, 1_000_000)).toThrow("seed 1, frame");
  });
});
