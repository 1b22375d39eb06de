import {
  BROADCAST,
  icmpFrame,
  ipv4Frame,
  naiveChecksum,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "../../support/frames.js";
import { DEVICE_LAN, DEVICE_WAN, FORWARDED_PORT, L1, L2, L3 } from "../addresses.js";
import { control, fail, type Outcome, pass } from "../outcome.js";
import type { Packet } from "../packet.js";
import type { Probe } from "../probe.js";
import { isError } from "../stage.js";
import { endsWith } from "../wire.js";
import { at } from "./common.js";

/** Of no host and no link here. */
const FORGED = "10.9.9.9";
/** An IP protocol that nobody uses (RFC 3692, section 2.1). */
const UNKNOWN_PROTOCOL = 254;

const MARTIANS = ["0.0.0.5", "127.0.0.1", "224.0.0.9", "240.0.0.1"];
const LAN_BROADCAST = "192.168.1.255";
const WAN_BROADCAST = "203.0.113.255";
/** DSCP 46 (RFC 3246). */
const EXPEDITED_FORWARDING = 46 << 2;

const INVALID_DROP = "`ct state invalid drop` in a forward chain";

export const ROUTER_PROBES: readonly Probe[] = [
  {
    id: "RFC1812 §5.3.1",
    strength: "MUST",
    title: "TTL: one less on each way; never 0",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const out = control(await stage.udpOut(L1, stage.port, peer, { ttl: 64 }), "a datagram does not leave");
      const back = control(await stage.udpIn(peer, out.sourcePort, { ttl: 64 }), "a datagram does not come in");
      if (out.ttl !== 63 || back.ttl !== 63) return fail("TTL 64 does not arrive as 63");
      const last = await stage.udpOut(L1, stage.port, peer, { ttl: 2 });
      if (last?.ttl !== 1) return fail("TTL 2 does not arrive as 1");
      for (const ttl of [0, 1]) {
        if (await stage.udpOut(L1, stage.port, peer, { ttl })) return fail(`TTL ${ttl} from inside is forwarded`);
        if (await stage.udpIn(peer, out.sourcePort, { ttl })) return fail(`TTL ${ttl} from outside is forwarded`);
      }
      return pass("64 to 63, 2 to 1, none of 1 or 0");
    },
  },
  {
    id: "RFC5508 REQ-10a",
    strength: "MUST",
    title: "TTL 1 from inside: time exceeded, for UDP, TCP and ICMP",
    async run(stage) {
      const ends = { ...stage.ends(L2.address, stage.w1), ttl: 1 };
      const ports = { sourcePort: stage.port, destinationPort: 7000 };
      const frames = {
        UDP: udpFrame({ ...ends, ...ports, payload: stage.text() }),
        TCP: tcpFrame({ ...ends, ...ports, sequence: stage.sequence() }),
        ICMP: icmpFrame({ ...ends, identifier: stage.port, payload: stage.text() }),
      };
      for (const [name, frame] of Object.entries(frames)) {
        stage.send("lan", frame);
        const error = await stage.arrives("lan", (packet) => isError(packet, 11, 0, frame));
        if (error?.source !== DEVICE_LAN || error.destination !== L2.address) return fail(`none for ${name}`);
        if (error.quote?.source !== L2.address) return fail(`${name}: quote not as it was sent`);
      }
      return pass("11/0 for each, from the LAN address");
    },
  },
  {
    id: "RFC5508 REQ-10a",
    strength: "MUST",
    title: "answers pings to its own addresses",
    async run(stage) {
      for (const address of [DEVICE_LAN, DEVICE_WAN]) {
        const payload = stage.text();
        stage.send("lan", icmpFrame({ ...stage.ends(L1.address, address), identifier: stage.port, payload }));
        const reply = await stage.arrives("lan", (packet) => endsWith(packet, payload));
        if (reply?.source !== address || reply.icmpType !== 0) return fail(`${address} does not answer`);
      }
      return pass("both, from inside");
    },
  },
  {
    id: "RFC5508 REQ-10d",
    strength: "SHOULD",
    title: "an error has the DS field of the packet that it is about",
    async run(stage) {
      const ports = { sourcePort: stage.port, destinationPort: 7000, payload: stage.text() };
      const frame = udpFrame({ ...stage.ends(L3.address, stage.w1), ...ports, ttl: 1, tos: EXPEDITED_FORWARDING });
      stage.send("lan", frame);
      const error = control(await stage.arrives("lan", (packet) => isError(packet, 11, 0, frame)), "no error comes");
      if (error.tos === EXPEDITED_FORWARDING) return pass("copied");
      return fail(error.tos === 0 ? "it is 0" : "it is another, as RFC 1812 had it");
    },
  },
  {
    id: "RFC1812 §4.3.2.3",
    strength: "SHOULD",
    title: "an error quotes as much as 576 bytes hold, unchanged",
    async run(stage) {
      const ports = { sourcePort: stage.port, destinationPort: 7000, payload: patternBytes(1200) };
      const frame = udpFrame({ ...stage.ends(L3.address, stage.w1), ...ports, ttl: 1 });
      stage.send("lan", frame);
      const error = await stage.arrives("lan", (packet) => packet.quote?.destination === stage.w1);
      const quote = control(error, "no error comes").frame.subarray(42);
      // The time to live is the router's to change.
      const differs = quote.some((byte, at) => ![8, 10, 11].includes(at) && byte !== frame[14 + at]);
      if (differs) return fail("the quote is changed");
      return quote.length === 576 - 28 ? pass("576 bytes in all") : fail("shorter or longer");
    },
  },
  {
    id: "RFC1812 §4.3.2.4",
    strength: "MUST",
    title: "TTL 1 from outside: time exceeded from the WAN address, nothing of the inside in it",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const { sourcePort } = await stage.mapUdp(L1, stage.port, peer);
      const ports = { sourcePort: peer.port, destinationPort: sourcePort, payload: stage.text(), ttl: 1 };
      const frame = udpFrame({ ...stage.ends(peer.address, DEVICE_WAN), ...ports });
      stage.send("wan", frame);
      const error = await stage.arrives("wan", (packet) => isError(packet, 11, 0, frame));
      if (error === undefined) return fail("no answer");
      if (error.source !== DEVICE_WAN) return fail("from another address");
      return error.quote?.destination === DEVICE_WAN && error.quote.destinationPort === sourcePort
        ? pass("11/0, quote as it was sent")
        : fail("the quote shows an inner address or port");
    },
  },
  {
    id: "RFC1812 §5.2.2",
    strength: "MUST",
    title: "a wrong header checksum, version or length: dropped silently, on both sides",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const { sourcePort } = await stage.mapUdp(L1, stage.port, peer);
      control(await stage.udpIn(peer, sourcePort), "a right one does not come in");
      const ports = { sourcePort: stage.port, destinationPort: 7000 };
      for (const [what, spoil] of MALFORMED) {
        for (const side of ["lan", "wan"] as const) {
          const payload = stage.text();
          const frame =
            side === "lan"
              ? udpFrame({ ...stage.ends(L1.address, stage.w1), ...ports, payload })
              : udpFrame({
                  ...stage.ends(stage.w1, DEVICE_WAN),
                  sourcePort: 7000,
                  destinationPort: sourcePort,
                  payload,
                });
          spoil(frame);
          stage.send(side, frame);
          // Cut short, it would not end with its text: so it is told by where it goes.
          const isOut = (packet: Packet): boolean => packet.destination === stage.w1 || packet.source === stage.w1;
          const found = await stage.wire.arrives(side === "lan" ? "wan" : "lan", isOut);
          if (found !== undefined) return fail(`${what}: forwarded`);
          if (await stage.wire.next(side, isOut, 0)) return fail(`${what}: answered`);
        }
      }
      return pass(`${MALFORMED.length} kinds dropped`);
    },
  },
  {
    id: "RFC1812 §5.3.4",
    strength: "MUST",
    title: "a unicast packet in a broadcast frame is not forwarded",
    async run(stage) {
      control(await stage.udpOut(L1, stage.port, at(stage.w1, 7000)), "in a unicast frame it is not forwarded either");
      const broadcast = { destinationMac: BROADCAST };
      const out = await stage.udpOut(L1, stage.port, at(stage.w1, 7000), broadcast);
      return out === undefined ? pass("dropped") : fail("forwarded");
    },
  },
  {
    id: "RFC1812 §5.3.7",
    strength: "SHOULD",
    title: "no invalid source or destination address is forwarded",
    async run(stage) {
      control(await stage.udpOut(L1, stage.port, at(stage.w1, 7000)), "a valid one is not forwarded either");
      const ends = { sourceMac: L1.mac, destinationMac: stage.wire.mac("lan") };
      for (const source of MARTIANS) {
        const payload = stage.text();
        stage.send("lan", udpFrame({ ...ends, source, destination: stage.w1, payload }));
        if (await stage.wire.arrives("wan", (packet) => endsWith(packet, payload)))
          return fail(`source ${source} is forwarded`);
      }
      for (const destination of MARTIANS.filter((one) => one !== "224.0.0.9")) {
        const payload = stage.text();
        stage.send("lan", udpFrame({ ...ends, source: L1.address, destination, payload }));
        const out = await stage.wire.arrives("wan", (packet) => endsWith(packet, payload));
        if (out !== undefined) return fail(`destination ${destination} is forwarded`);
      }
      return pass("networks 0, 127, 224 and 240");
    },
  },
  {
    id: "RFC2644 §3",
    strength: "MUST",
    title: "a directed broadcast is not forwarded, in neither direction",
    async run(stage) {
      control(await stage.udpOut(L1, stage.port, at(stage.w1, 7000)), "a unicast packet is not forwarded either");
      const out = await stage.udpOut(L1, stage.port, at(WAN_BROADCAST, 7000));
      if (out !== undefined) return fail("into the WAN");
      const payload = stage.text();
      stage.send("wan", udpFrame({ ...stage.ends(stage.w1, LAN_BROADCAST), payload }));
      const inside = await stage.arrives("lan", (packet) => endsWith(packet, payload));
      return inside === undefined ? pass("dropped") : fail("into the LAN");
    },
  },
  {
    id: "RFC2827",
    strength: "",
    title: "a forged source address from inside does not leave as such (T18)",
    linuxCure: INVALID_DROP,
    async run(stage) {
      control(await stage.udpOut(L1, stage.port, at(stage.w1, 7000)), "a datagram of a host does not leave");
      const ends = { source: FORGED, destination: stage.w1, sourceMac: L1.mac, destinationMac: stage.wire.mac("lan") };
      const ports = { sourcePort: stage.port, destinationPort: 7000 };
      stage.send(
        "lan",
        udpFrame({ ...ends, ...ports, payload: stage.text() }),
        tcpFrame({ ...ends, ...ports, flags: "RST" }),
        tcpFrame({ ...ends, ...ports, flags: "SYN ACK" }),
      );
      const out = await stage.wire.arrives(
        "wan",
        (packet) => packet.destination === stage.w1 && packet.source === FORGED,
      );
      if (out !== undefined) return fail(`a TCP ${out.flags} leaves with the forged source`);
      const translated = await stage.wire.next("wan", (packet) => packet.destination === stage.w1, 0);
      return translated === undefined ? pass("dropped") : pass("leaves, but with the WAN address as its source");
    },
  },
  {
    id: "T6",
    strength: "",
    title: "no inner address leaves: a protocol without ports",
    async run(stage) {
      control(await stage.udpOut(L1, stage.port, at(stage.w1, 7000)), "a datagram does not leave");
      const frame = ipv4Frame({
        ...stage.ends(L1.address, stage.w1),
        protocol: UNKNOWN_PROTOCOL,
        payload: stage.text(),
      });
      stage.send("lan", frame);
      // It holds nothing whose soundness could be judged.
      return leak(await stage.wire.arrives("wan", (packet) => packet.destination === stage.w1));
    },
  },
  {
    id: "T6",
    strength: "",
    title: "no inner address leaves: TCP segments of no connection",
    linuxCure: INVALID_DROP,
    async run(stage) {
      control(await stage.tcpOut(L1, stage.port + 1, at(stage.w1, 80), { flags: "SYN" }), "a SYN does not leave");
      for (const flags of ["SYN ACK", "RST", "FIN", "ACK"]) {
        const ports = { sourcePort: stage.port, destinationPort: 80, sequence: stage.sequence() };
        stage.send("lan", tcpFrame({ ...stage.ends(L1.address, stage.w1), ...ports, flags }));
        const out = leak(await stage.arrives("wan", (packet) => packet.destination === stage.w1), ` (${flags})`);
        if (out.verdict !== "pass") return out;
      }
      return pass("dropped or translated");
    },
  },
  {
    id: "T16d",
    strength: "",
    title: "a host outside cannot send straight to an address inside",
    linuxCure:
      'a forward chain that accepts from `iifname "wan"` only `ct state established,related` and `ct status dnat`',
    async run(stage) {
      const wanted = { sourcePort: 7000, destinationPort: 9 };
      const frames = [
        udpFrame({ ...stage.ends(stage.w1, L1.address), ...wanted, payload: stage.text() }),
        tcpFrame({ ...stage.ends(stage.w1, L1.address), ...wanted, flags: "SYN" }),
        icmpFrame({ ...stage.ends(stage.w1, L1.address) }),
      ];
      control(await stage.udpIn(at(stage.w1, 7000), FORWARDED_PORT), "not even a forwarded port is reached");
      stage.send("wan", ...frames);
      const isIts = (packet: Packet): boolean => packet.source === stage.w1 && packet.destination === L1.address;
      return (await stage.arrives("lan", isIts)) === undefined ? pass("dropped") : fail("delivered");
    },
  },
  {
    id: "T20",
    strength: "",
    title: "UDP with half a header, or a length that is wrong, is not forwarded",
    linuxCure: INVALID_DROP,
    async run(stage) {
      control(await stage.udpOut(L1, stage.port, at(stage.w1, 7000)), "a right one does not leave");
      const ends = stage.ends(L1.address, stage.w1);
      const ports = { sourcePort: stage.port, destinationPort: 7000, payload: stage.text() };
      const kinds = {
        "4 bytes": ipv4Frame({ ...ends, protocol: 17, payload: [0x75, 0x30, 0x1b, 0x58] }),
        "length beyond the packet": udpFrame({ ...ends, ...ports, length: 200 }),
        "length below 8": udpFrame({ ...ends, ...ports, length: 4 }),
      };
      for (const [what, frame] of Object.entries(kinds)) {
        stage.send("lan", frame);
        const out = await stage.wire.arrives("wan", (packet) => packet.destination === stage.w1);
        if (out !== undefined) {
          return fail(`${what}: forwarded${out.source === L1.address ? " with the inner source address" : ""}`);
        }
      }
      return pass(`${Object.keys(kinds).length} kinds dropped`);
    },
  },
];

/** What makes a packet one that a router must drop, done to a frame. */
const MALFORMED: readonly (readonly [string, (frame: Uint8Array) => void])[] = [
  ["header checksum", (frame) => frame.set([(frame[24] as number) ^ 0xff], 24)],
  ["version 5", (frame) => withChecksum(frame, 14, 0x55)],
  ["header length 16", (frame) => withChecksum(frame, 14, 0x44)],
  ["total length below the header's", (frame) => withChecksum(frame, 17, 16, 16, 0)],
];

/** Sets bytes of the IPv4 header, and its checksum right again. */
function withChecksum(frame: Uint8Array, ...changes: number[]): void {
  for (let at = 0; at < changes.length; at += 2) frame[changes[at] as number] = changes[at + 1] as number;
  frame.set([0, 0], 24);
  const sum = naiveChecksum(frame.subarray(14, 34));
  frame.set([sum >> 8, sum & 255], 24);
}

function leak(out: Packet | undefined, which = ""): Outcome {
  if (out === undefined) return pass("dropped");
  return out.source === DEVICE_WAN ? pass("translated by address") : fail(`leaves with the inner address${which}`);
}
