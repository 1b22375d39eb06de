import { FRAGMENT_ORDERS, fragmentsOf, ipv4Frame, patternBytes, udpFrame } from "../../support/frames.js";
import { DEVICE_LAN, DEVICE_WAN, L1, L2, type Station, WAN_MTU } from "../addresses.js";
import { control, fail, type Outcome, pass } from "../outcome.js";
import { type Packet, UDP } from "../packet.js";
import type { Probe } from "../probe.js";
import type { Stage } from "../stage.js";
import type { Matches, Side } from "../wire.js";
import { at } from "./common.js";

const FULL_BYTES = 1500 - 28;
const CHUNK_BYTES = 1000;
const THREE_FRAGMENTS_BYTES = 2500;
const MAX_FRAGMENTS = 16;
const FLOODS = 4;
const ORPHANS = 100;

export const FRAGMENT_PROBES: readonly Probe[] = [
  {
    id: "RFC4787 REQ-13",
    strength: "MUST",
    title: "too big, DF=1: fragmentation needed, with the MTU",
    async run(stage) {
      const payload = patternBytes(FULL_BYTES);
      const ports = { sourcePort: stage.port, destinationPort: 7000 };
      const sent = udpFrame({ ...stage.ends(L1.address, stage.w1), ...ports, payload, dontFragment: true });
      // A device that drops everything big would be silent as well.
      control(await stage.udpOut(L1, stage.port, at(stage.w1, 7000), { dontFragment: true }), "a small one is lost");
      stage.send("lan", sent);
      const error = await stage.arrives("lan", (packet) => packet.quote?.destination === stage.w1);
      if (error === undefined) return fail("no answer");
      const { source, destination, icmpType, icmpCode, nextHopMtu, quote } = error;
      if (icmpType !== 3 || icmpCode !== 4) return fail(`answered by ${icmpType}/${icmpCode}`);
      if (source !== DEVICE_LAN || destination !== L1.address) return fail("wrong outer addresses");
      if (quote?.source !== L1.address || quote.sourcePort !== stage.port) return fail("quote not as it was sent");
      return nextHopMtu === WAN_MTU ? pass(`3/4 with MTU ${WAN_MTU}`) : fail("the MTU is wrong");
    },
  },
  {
    id: "RFC4787 REQ-13a",
    strength: "MUST",
    title: "too big, DF=0: fragmented, in order",
    async run(stage) {
      await stage.mapUdp(L1, stage.port, at(stage.w1, 7000));
      const payload = patternBytes(FULL_BYTES);
      const ports = { sourcePort: stage.port, destinationPort: 7000 };
      stage.send("lan", udpFrame({ ...stage.ends(L1.address, stage.w1), ...ports, payload }));
      const parts = await collect(stage, "wan", (packet) => packet.destination === stage.w1);
      if (parts.length === 0) return fail("nothing leaves");
      if (parts.some(({ frame }) => frame.length - 14 > WAN_MTU)) return fail("larger than the MTU");
      const whole = reassembled(parts);
      if (whole === undefined || Buffer.compare(whole.subarray(8), payload) !== 0) return fail("pieces do not fit");
      const isOrdered = parts.every((part, at) => at === 0 || part.fragmentOffset > parts[at - 1]!.fragmentOffset);
      return isOrdered ? pass("whole, in order") : fail("not in order");
    },
  },
  {
    id: "RFC4787 REQ-14",
    strength: "MUST",
    title: "three fragments out of order, from inside",
    run: async (stage) => {
      const peer = at(stage.w1, 7000);
      await stage.mapUdp(L1, stage.port, peer);
      const ends = { ...stage.ends(L1.address, stage.w1), sourcePort: stage.port, destinationPort: 7000 };
      return await inAnyOrder(stage, "lan", ends, (packet) => packet.destination === stage.w1);
    },
  },
  {
    id: "RFC4787 REQ-14",
    strength: "MUST",
    title: "three fragments out of order, from outside",
    run: async (stage) => {
      const { sourcePort } = await stage.mapUdp(L1, stage.port, at(stage.w1, 7000));
      const ends = { ...stage.ends(stage.w1, DEVICE_WAN), sourcePort: 7000, destinationPort: sourcePort };
      return await inAnyOrder(stage, "wan", ends, (packet) => packet.source === stage.w1);
    },
  },
  {
    id: "RFC4787 REQ-14a",
    strength: "MUST",
    title: "a flood of fragments without a beginning harms neither whole packets nor fragments in order",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const { sourcePort } = await stage.mapUdp(L1, stage.port, peer);
      const inside = { ...stage.ends(L1.address, stage.w1), sourcePort: stage.port, destinationPort: 7000 };
      const outside = { ...stage.ends(stage.w1, DEVICE_WAN), sourcePort: 7000, destinationPort: sourcePort };
      for (let flood = 0; flood < FLOODS; flood++) {
        for (let orphan = 0; orphan < ORPHANS; orphan++) {
          const fragment = { identification: flood * ORPHANS + orphan, payload: patternBytes(CHUNK_BYTES) };
          const place = { protocol: UDP, moreFragments: orphan % 2 === 0, fragmentOffset: CHUNK_BYTES };
          stage.send("wan", ipv4Frame({ ...stage.ends(stage.w2, DEVICE_WAN), ...fragment, ...place }));
          stage.send("lan", ipv4Frame({ ...stage.ends(L2.address, stage.w2), ...fragment, ...place }));
        }
        if ((await stage.udpIn(peer, sourcePort)) === undefined) return fail("a whole packet was lost");
        const payload = patternBytes(THREE_FRAGMENTS_BYTES);
        const identification = 0x6100 + flood;
        stage.send("lan", ...fragmentsOf(udpFrame({ ...inside, payload, identification }), CHUNK_BYTES));
        const out = reassembled(await collect(stage, "wan", (packet) => packet.destination === stage.w1));
        stage.send("wan", ...fragmentsOf(udpFrame({ ...outside, payload, identification }), CHUNK_BYTES));
        const back = reassembled(await collect(stage, "lan", (packet) => packet.source === stage.w1));
        if (out === undefined || back === undefined) return fail("fragments in order were lost");
      }
      return pass(`${FLOODS} times ${ORPHANS} from each side`);
    },
  },
  {
    id: "RFC6864 §5.3.1",
    strength: "MUST",
    title: "two hosts with one IP ID, DF=0, to one destination: two IDs outside",
    run: async (stage) => {
      const seen: number[] = [];
      for (const host of [L1, L2]) {
        await stage.mapUdp(host, stage.port, at(stage.w1, 7000));
        const out = await stage.udpOut(host, stage.port, at(stage.w1, 7000), { identification: 0x7777 });
        seen.push(control(out, "a datagram does not leave").identification);
      }
      return seen[0] === seen[1] ? fail("the same ID twice") : pass("two IDs");
    },
  },
  {
    id: "RFC6864 §5.3.1",
    strength: "MUST",
    title: "the same in fragments that interleave: both can be put together",
    run: interleaved,
  },
];

async function interleaved(stage: Stage): Promise<Outcome> {
  const payloads = [patternBytes(CHUNK_BYTES + 500), patternBytes(CHUNK_BYTES + 500).reverse()];
  const trains: Uint8Array[][] = [];
  for (const [index, host] of ([L1, L2] as Station[]).entries()) {
    await stage.mapUdp(host, stage.port, at(stage.w1, 7000));
    const ports = { sourcePort: stage.port, destinationPort: 7000, identification: 0x7778 };
    const payload = payloads[index] as Uint8Array;
    trains.push(fragmentsOf(udpFrame({ ...stage.ends(host.address, stage.w1), ...ports, payload }), CHUNK_BYTES));
  }
  const [one, two] = trains as [Uint8Array[], Uint8Array[]];
  for (const [at, part] of one.entries()) stage.send("lan", part, two[at] as Uint8Array);
  const parts = await collect(stage, "wan", (packet) => packet.destination === stage.w1, 2);
  const identifications = [...new Set(parts.map((part) => part.identification))];
  if (parts.length === 0) return fail("nothing leaves");
  if (identifications.length !== 2) return fail("the fragments of both have the same ID");
  const wholes = identifications.map((one) => reassembled(parts.filter((part) => part.identification === one)));
  const isRight = payloads.every((payload) =>
    wholes.some((whole) => whole && !Buffer.compare(whole.subarray(8), payload)),
  );
  return isRight ? pass("two IDs, both whole") : fail("the pieces do not fit");
}

/** A datagram of three fragments, in each order, sent on `side`. */
async function inAnyOrder(stage: Stage, side: Side, ends: object, isIts: Matches): Promise<Outcome> {
  for (const [index, order] of FRAGMENT_ORDERS.entries()) {
    const payload = patternBytes(THREE_FRAGMENTS_BYTES);
    const whole = udpFrame({ ...ends, payload, identification: 0x5100 + index });
    const parts = fragmentsOf(whole, CHUNK_BYTES);
    for (const part of order) stage.send(side, parts[part] as Uint8Array);
    const arrived = await collect(stage, side === "lan" ? "wan" : "lan", isIts);
    if (arrived.length === 0) return fail(`order ${order.map((one) => one + 1).join("-")}: nothing arrives`);
    const data = reassembled(arrived)?.subarray(8);
    if (data === undefined || Buffer.compare(data, payload) !== 0) {
      return fail(`order ${order.map((one) => one + 1).join("-")}: the pieces do not fit`);
    }
  }
  return pass("in all six orders");
}

/** The fragments that arrive, until that many last ones have, and nothing more comes. */
async function collect(stage: Stage, side: Side, isIts: Matches, datagrams = 1): Promise<Packet[]> {
  const parts: Packet[] = [];
  const isPart: Matches = (packet) => packet.protocol === UDP && isIts(packet);
  while (parts.length < MAX_FRAGMENTS) {
    const part = await stage.arrives(side, isPart);
    if (part === undefined) break;
    parts.push(part);
    const isWhole = parts.filter((one) => !one.moreFragments).length === datagrams;
    if (isWhole && datagrams === 1 && reassembled(parts) !== undefined) break;
  }
  return parts;
}

/** The payload of the IPv4 packet that these fragments make; undefined when they make none. */
function reassembled(parts: readonly Packet[]): Uint8Array | undefined {
  const sorted = [...parts].sort((a, b) => a.fragmentOffset - b.fragmentOffset);
  let length = 0;
  for (const part of sorted) {
    if (part.fragmentOffset !== length || part.identification !== sorted[0]?.identification) return undefined;
    length += part.payload.length;
  }
  if (sorted.length === 0 || sorted.at(-1)?.moreFragments) return undefined;
  return Buffer.concat(sorted.map((part) => part.payload));
}
