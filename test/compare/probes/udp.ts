import { naiveChecksum, pseudoHeader, toBytes, udpFrame } from "../../support/frames.js";
import { DEVICE_WAN, ISP, L1, L2, TRANSIT_ROUTER } from "../addresses.js";
import { control, fail, pass } from "../outcome.js";
import type { Probe } from "../probe.js";
import type { Stage } from "../stage.js";
import { endsWith } from "../wire.js";
import { allEqual, at } from "./common.js";

/** Enough that a device that does not care for parity keeps it by chance once in a million. */
const COLLISIONS = 20;

/** Every ICMP message about a flow that a mapping must survive: [type, code]. */
export const ICMP_TROUBLE: readonly (readonly [number, number])[] = [
  ...[0, 1, 2, 3, 4, 5, 9, 10, 13].map((code) => [3, code] as const),
  [4, 0],
  [11, 0],
  [11, 1],
  [12, 0],
];

export const UDP_PROBES: readonly Probe[] = [
  {
    id: "RFC4787 REQ-1",
    strength: "MUST",
    title: "one external port for all destinations",
    async run(stage) {
      const { w1, w2, port } = stage;
      const seen = [];
      for (const to of [at(w1, 7000), at(w1, 7001), at(w2, 7000)]) {
        seen.push((await stage.mapUdp(L1, port, to)).sourcePort);
      }
      return allEqual(seen) ? pass("the same towards three") : fail("differs between destinations");
    },
  },
  {
    id: "RFC4787 REQ-1",
    strength: "MUST",
    title: "the same after another host has used that port",
    async run(stage) {
      const { w1, w2, port } = stage;
      await stage.mapUdp(L2, port, at(w2, 7000));
      const seen = [];
      for (const to of [at(w1, 7000), at(w2, 7000)]) seen.push((await stage.mapUdp(L1, port, to)).sourcePort);
      return allEqual(seen) ? pass("the same towards both") : fail("external port changed after a collision");
    },
  },
  {
    id: "RFC4787 REQ-3",
    strength: "MUST",
    title: "two hosts with one source port and one destination stay apart",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const [one, two] = [await stage.mapUdp(L1, stage.port, peer), await stage.mapUdp(L2, stage.port, peer)];
      if (one.sourcePort === two.sourcePort) return fail("both have the same external port");
      const [toOne, toTwo] = [await stage.udpIn(peer, one.sourcePort), await stage.udpIn(peer, two.sourcePort)];
      return toOne?.destination === L1.address && toTwo?.destination === L2.address
        ? pass("two external ports, each answer to its host")
        : fail("an answer does not reach its host");
    },
  },
  {
    id: "RFC4787 REQ-3a",
    strength: "SHOULD",
    title: "ports 0-1023 map into 0-1023, the others above",
    async run(stage) {
      for (const port of [123, 1023, 1024, 65535]) {
        for (const host of [L1, L2]) {
          const out = await stage.udpOut(host, port, at(stage.w1, 7000));
          if (out === undefined) return fail(`nothing leaves from port ${port}`);
          if (out.sourcePort < 1024 !== port < 1024) return fail(`port ${port} left its range`);
        }
      }
      return pass("also when two hosts collide");
    },
  },
  {
    id: "RFC4787 REQ-4",
    strength: "SHOULD",
    title: "even ports map to even ports, odd to odd",
    async run(stage) {
      let kept = 0;
      for (let port = stage.port; port < stage.port + COLLISIONS; port++) {
        await stage.mapUdp(L1, port, at(stage.w1, 7000));
        const second = await stage.mapUdp(L2, port, at(stage.w1, 7000));
        if (second.sourcePort % 2 === port % 2) kept++;
      }
      return kept === COLLISIONS ? pass(`kept in ${COLLISIONS} collisions`) : fail("not kept in collisions");
    },
  },
  {
    id: "RFC4787 REQ-8",
    strength: "SHOULD",
    title: "a peer may answer from another port",
    async run(stage) {
      const { sourcePort } = await stage.mapUdp(L1, stage.port, at(stage.w1, 7000));
      control(await stage.udpIn(at(stage.w1, 7000), sourcePort), "no answer comes in at all");
      const isOpen = (await stage.udpIn(at(stage.w1, 7001), sourcePort)) !== undefined;
      const isOpenToAll = (await stage.udpIn(at(stage.w2, 7000), sourcePort)) !== undefined;
      if (!isOpen) return fail("dropped: filtering depends on address and port");
      return pass(isOpenToAll ? "endpoint-independent filtering" : "address-dependent filtering");
    },
  },
  {
    id: "RFC4787 REQ-9",
    strength: "MUST",
    title: "hairpin: a host of the LAN reaches another at its external port",
    run: async (stage) => ((await hairpin(stage)) === undefined ? fail("does not arrive") : pass("arrives")),
  },
  {
    id: "RFC4787 REQ-9a",
    strength: "MUST",
    title: "hairpin: from the sender's external address and port",
    async run(stage) {
      const found = await hairpin(stage);
      if (found === undefined) return fail("does not arrive");
      const { arrived, external } = found;
      return arrived.source === DEVICE_WAN && arrived.sourcePort === external
        ? pass("source is the sender's mapping")
        : fail(`source is ${arrived.source === DEVICE_WAN ? "another port" : arrived.source}`);
    },
  },
  {
    id: "RFC4787 REQ-12",
    strength: "MUST",
    title: "no ICMP message ends a mapping",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const out = await stage.mapUdp(L1, stage.port, peer);
      let delivered = 0;
      for (const [type, code] of ICMP_TROUBLE) {
        const nextHopMtu = code === 4 && type === 3 ? 1300 : 0;
        if (await stage.errorIn(peer.address, { about: out.frame, type, code, nextHopMtu })) delivered++;
      }
      control(delivered > 0, "no ICMP error comes through");
      const isIn = (await stage.udpIn(peer, out.sourcePort)) !== undefined;
      const again = await stage.udpOut(L1, stage.port, peer);
      return isIn && again?.sourcePort === out.sourcePort
        ? pass(`still there after ${ICMP_TROUBLE.length} kinds`)
        : fail("the mapping is gone");
    },
  },
  {
    id: "RFC4787 REQ-12a",
    strength: "SHOULD",
    title: "ICMP errors pass from any router on the way",
    async run(stage) {
      const out = await stage.mapUdp(L1, stage.port, at(stage.w1, 7000));
      for (const router of [TRANSIT_ROUTER, ISP]) {
        const error = await stage.errorIn(router, { about: out.frame, type: 11, code: 0 });
        if (error?.source !== router) return fail("a transit router's error does not come through");
      }
      return pass("source address kept");
    },
  },
  {
    id: "RFC4787 REQ-12b",
    strength: "SHOULD",
    title: "port unreachable reaches the sender",
    async run(stage) {
      const out = await stage.mapUdp(L1, stage.port, at(stage.w1, 7000));
      const error = await stage.errorIn(stage.w1, { about: out.frame });
      return error?.destination === L1.address && error.quote?.sourcePort === stage.port
        ? pass("translated")
        : fail("does not arrive, or not for the sender");
    },
  },
  {
    id: "RFC1122 §4.1.3.4",
    strength: "MUST",
    title: "a datagram without checksum stays without",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const out = control(await stage.udpOut(L1, stage.port, peer, { checksum: 0 }), "it does not leave");
      const back = control(await stage.udpIn(peer, out.sourcePort, { checksum: 0 }), "it does not come in");
      return out.checksum === 0 && back.checksum === 0 ? pass("0 both ways") : fail("a checksum was made up");
    },
  },
  {
    id: "T19",
    strength: "",
    title: "a checksum that becomes 0 by translation leaves as 65535, for 0 means none",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const { sourcePort } = await stage.mapUdp(L1, stage.port, peer);
      const payload = toBytes(stage.text().padEnd(20));
      // What it will be outside, with two bytes chosen so that everything sums up to 65535.
      const ports = { sourcePort, destinationPort: peer.port, payload, checksum: 0 };
      const outside = udpFrame({ source: DEVICE_WAN, destination: peer.address, ...ports }).subarray(34);
      const covered = pseudoHeader(DEVICE_WAN, peer.address, 17, outside.length);
      const filler = naiveChecksum(Uint8Array.from([...covered, ...outside])) + payload[18]! * 256 + payload[19]!;
      const folded = (filler & 0xffff) + (filler >>> 16);
      payload.set([folded >> 8, folded & 255], 18);
      const text = Buffer.from(payload).toString("latin1");
      const inside = { ...stage.ends(L1.address, peer.address), sourcePort: stage.port, destinationPort: peer.port };
      stage.send("lan", udpFrame({ ...inside, payload }));
      const out = control(await stage.wire.arrives("wan", (packet) => endsWith(packet, text)), "it does not leave");
      return out.checksum === 0xffff ? pass("65535") : fail(out.checksum === 0 ? "leaves as 0" : "is wrong");
    },
  },
];

/** L1's datagram to L2's mapping as it reached L2, and L1's own external port; undefined when it did not. */
async function hairpin(stage: Stage) {
  const peer = at(stage.w1, 7000);
  const { sourcePort: external } = await stage.mapUdp(L1, stage.port, peer);
  const { sourcePort: target } = await stage.mapUdp(L2, stage.port + 1, peer);
  const payload = stage.text();
  const ports = { sourcePort: stage.port, destinationPort: target };
  stage.send("lan", udpFrame({ ...stage.ends(L1.address, DEVICE_WAN), ...ports, payload }));
  const arrived = await stage.arrives(
    "lan",
    (packet) =>
      endsWith(packet, payload) && packet.destination === L2.address && packet.destinationPort === stage.port + 1,
  );
  return arrived === undefined ? undefined : { arrived, external };
}
