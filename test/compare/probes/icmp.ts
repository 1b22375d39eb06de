import { icmpErrorFrame, naiveChecksum, udpFrame } from "../../support/frames.js";
import { DEVICE_WAN, FORWARDED_PORT, L1, L2, L3, type Station } from "../addresses.js";
import { control, fail, type Outcome, pass } from "../outcome.js";
import type { Packet } from "../packet.js";
import type { Probe } from "../probe.js";
import { isError, type Stage } from "../stage.js";
import { endsWith } from "../wire.js";
import { allEqual, at } from "./common.js";

/** RFC 4884, section 7: version 2, then an object of 8 bytes, class 2 type 3 of no particular meaning. */
const EXTENSION = [0x20, 0, 0, 0, 0, 8, 2, 3, 1, 2, 3, 4];
/** RFC 4884, section 4: what is quoted before an extension. */
const PADDED_QUOTE_BYTES = 128;

export const ICMP_PROBES: readonly Probe[] = [
  {
    id: "RFC5508 REQ-1",
    strength: "MUST",
    title: "echo and timestamp queries and their replies pass",
    async run(stage) {
      for (const [query, reply] of [
        [8, 0],
        [13, 14],
      ] as const) {
        const out = await stage.queryOut(L1, stage.w1, stage.port + query, { type: query });
        if (out?.source !== DEVICE_WAN) return fail(`type ${query} does not leave translated`);
        const back = await stage.replyIn(stage.w1, out.icmpIdentifier, { type: reply });
        if (back?.destination !== L1.address || back.icmpIdentifier !== stage.port + query) {
          return fail(`type ${reply} does not come back`);
        }
      }
      return pass("types 8/0 and 13/14");
    },
  },
  {
    id: "RFC5508 REQ-1a",
    strength: "SHOULD",
    title: "one external identifier for all destinations, also after a collision",
    async run(stage) {
      const seen = async (host: Station, to: string): Promise<number> =>
        control(await stage.queryOut(host, to, stage.port), "a ping does not leave").icmpIdentifier;
      // L2 holds at W2 what L1 gets at W1: a mapping that hangs on the destination must now change.
      const two = [await seen(L2, stage.w2)];
      const one = [await seen(L1, stage.w1), await seen(L1, stage.w2)];
      two.push(await seen(L2, stage.w1));
      if (one[1] === two[0] || one[0] === two[1]) return fail("two hosts have the same external identifier");
      for (const [host, identifier] of [
        [L1, one[1]],
        [L2, two[0]],
      ] as const) {
        const back = await stage.replyIn(stage.w2, identifier as number);
        if (back?.destination !== host.address) return fail("a reply reaches the wrong host");
      }
      return allEqual(one) && allEqual(two) ? pass("kept, and hosts kept apart") : fail("changed after a collision");
    },
  },
  {
    id: "RFC5508 REQ-3",
    strength: "SHOULD",
    title: "an error with a wrong ICMP checksum is dropped",
    async run(stage) {
      const out = await mapped(stage);
      const bad = await stage.errorIn(stage.w1, { about: out.frame, code: 1, ...{ checksum: 0x1234 } });
      return bad === undefined ? pass("dropped") : fail("passed on");
    },
  },
  {
    id: "RFC5508 REQ-3a",
    strength: "SHOULD",
    title: "an error whose quote has a wrong IP checksum is dropped",
    async run(stage) {
      const out = await mapped(stage);
      const about = out.frame.slice();
      about[24] = (about[24] as number) ^ 0x55;
      stage.send("wan", icmpErrorFrame({ ...stage.ends(stage.w1, DEVICE_WAN), about, code: 1 }));
      // It is no sound packet, so its flaws are not looked at.
      const bad = await stage.wire.arrives("lan", (packet) => isError(packet, 3, 1, about));
      return bad === undefined ? pass("dropped") : fail("passed on");
    },
  },
  {
    id: "RFC5508 REQ-3b",
    strength: "MUST",
    title: "an error whose quote has IP options is translated",
    async run(stage) {
      const out = await mapped(stage);
      // The router on the way saw the same packet with 8 bytes of options that did nothing.
      const about = new Uint8Array(out.frame.length + 8);
      about.set(out.frame.subarray(0, 34));
      about.set([1, 1, 1, 1, 1, 1, 1, 0], 34);
      about.set(out.frame.subarray(34), 42);
      about[14] = 0x47;
      about[17] = (about[17] as number) + 8;
      about.set([0, 0], 24);
      const sum = naiveChecksum(about.subarray(14, 42));
      about.set([sum >> 8, sum & 255], 24);
      return judged(stage, await stage.errorIn(stage.w1, { about }));
    },
  },
  {
    id: "RFC5508 REQ-3c",
    strength: "SHOULD",
    title: "the quoted transport checksum is not judged",
    async run(stage) {
      const out = await mapped(stage);
      const about = out.frame.slice();
      about[40] = (about[40] as number) ^ 0x55;
      stage.send("wan", icmpErrorFrame({ ...stage.ends(stage.w1, DEVICE_WAN), about }));
      return judged(stage, await stage.wire.arrives("lan", (packet) => isError(packet, 3, 3, about)));
    },
  },
  {
    id: "RFC5508 REQ-3d",
    strength: "MUST",
    title: "an error with extensions (RFC 4884) passes, they unchanged",
    async run(stage) {
      const out = await mapped(stage);
      const about = new Uint8Array(14 + PADDED_QUOTE_BYTES + EXTENSION.length);
      about.set(out.frame);
      about.set(EXTENSION, 14 + PADDED_QUOTE_BYTES);
      const sum = naiveChecksum(Uint8Array.from(EXTENSION));
      about.set([sum >> 8, sum & 255], 14 + PADDED_QUOTE_BYTES + 2);
      // The quote's length in words stands in the 6th byte of an unreachable's header.
      const length = { identifier: PADDED_QUOTE_BYTES / 4 };
      const frame = icmpErrorFrame({ ...stage.ends(stage.w1, DEVICE_WAN), about, code: 1 });
      frame.set([0, length.identifier], 38);
      frame.set([0, 0], 36);
      const whole = naiveChecksum(frame.subarray(34));
      frame.set([whole >> 8, whole & 255], 36);
      stage.send("wan", frame);
      const error = await stage.wire.arrives("lan", (packet) => isError(packet, 3, 1, out.frame));
      if (error === undefined) return fail("does not arrive");
      if (naiveChecksum(error.payload) !== 0) return fail("arrives with a wrong ICMP checksum");
      const extension = about.subarray(14 + PADDED_QUOTE_BYTES);
      if (Buffer.compare(error.payload.subarray(-EXTENSION.length), extension) !== 0) return fail("extension changed");
      return judged(stage, error);
    },
  },
  {
    id: "RFC5508 REQ-4",
    strength: "SHOULD",
    title: "an error about an unknown flow is dropped silently",
    async run(stage) {
      const out = await mapped(stage);
      control(await stage.errorIn(stage.w1, { about: out.frame }), "an error about a known flow does not arrive");
      const ends = { source: DEVICE_WAN, destination: stage.w2 };
      const unknown = udpFrame({ ...ends, sourcePort: stage.port + 50, destinationPort: 7000, payload: stage.text() });
      const frame = icmpErrorFrame({ ...stage.ends(stage.w2, DEVICE_WAN), about: unknown });
      stage.send("wan", frame);
      const isIn = (await stage.wire.arrives("lan", (packet) => isError(packet, 3, 3, unknown))) !== undefined;
      const isAnswered = (await stage.wire.next("wan", (packet) => packet.destination === stage.w2, 0)) !== undefined;
      return isIn || isAnswered ? fail(isIn ? "reaches the LAN" : "is answered") : pass("dropped");
    },
  },
  {
    id: "RFC5508 REQ-4a",
    strength: "MUST",
    title: "an error's quote is restored to what the host had sent",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      // The collision makes sure that the port is translated too.
      await stage.mapUdp(L2, stage.port, peer);
      const out = await stage.mapUdp(L1, stage.port, peer);
      return judged(stage, await stage.errorIn(stage.w1, { about: out.frame }));
    },
  },
  {
    id: "RFC5508 REQ-5",
    strength: "MUST",
    title: "a host's own error about a packet from outside leaves, quote restored",
    run: async (stage) => await complaint(stage, L1),
  },
  {
    id: "RFC5508 REQ-5c",
    strength: "MUST",
    title: "an error of another router inside leaves with the external address",
    run: async (stage) => await complaint(stage, L3),
  },
  {
    id: "RFC5508 REQ-7",
    strength: "MUST",
    title: "hairpin: port unreachable comes back to the sender",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      await stage.mapUdp(L1, stage.port, peer);
      const { sourcePort: target } = await stage.mapUdp(L2, stage.port + 1, peer);
      for (const [to, inside] of [
        [target, stage.port + 1],
        [FORWARDED_PORT, FORWARDED_PORT],
      ] as const) {
        const payload = stage.text();
        const ports = { sourcePort: stage.port, destinationPort: to };
        const sent = udpFrame({ ...stage.ends(L1.address, DEVICE_WAN), ...ports, payload });
        stage.send("lan", sent);
        const arrived = await stage.arrives(
          "lan",
          (packet) =>
            endsWith(packet, payload) && packet.destination === L2.address && packet.destinationPort === inside,
        );
        if (arrived === undefined) return fail("the datagram itself does not arrive");
        // L2 answers on the link, past the device.
        if (arrived.source !== DEVICE_WAN) return fail("the sender's inner address was shown");
        stage.send("lan", icmpErrorFrame({ ...stage.ends(L2.address, DEVICE_WAN), about: arrived.frame }));
        const error = await stage.arrives(
          "lan",
          (packet) => packet.destination === L1.address && isError(packet, 3, 3, sent),
        );
        if (error === undefined) return fail("the error does not arrive");
        const { quote } = error;
        if (quote?.source !== L1.address || quote.sourcePort !== stage.port) return fail("quote not restored");
        if (quote.destination !== DEVICE_WAN || quote.destinationPort !== to) return fail("quote not restored");
      }
      return pass("from a mapping and from a forward");
    },
  },
];

async function mapped(stage: Stage): Promise<Packet> {
  const out = await stage.mapUdp(L1, stage.port, at(stage.w1, 7000));
  control(await stage.errorIn(stage.w1, { about: out.frame, code: 2 }), "a right error does not arrive");
  return out;
}

/** Whether an error speaks to L1 about what it had sent from the stage's first port. */
function judged(stage: Stage, error: Packet | undefined): Outcome {
  if (error === undefined) return fail("does not arrive");
  const { quote } = error;
  if (error.destination !== L1.address) return fail("goes to the wrong host");
  if (quote?.source !== L1.address || quote.sourcePort !== stage.port) return fail("quote not restored");
  if (quote.destination !== stage.w1 || quote.destinationPort !== 7000) return fail("quote not restored");
  const header = quote.frame.subarray(14, quote.frame.length - quote.payload.length);
  return naiveChecksum(header) === 0 ? pass("addresses, port, checksum") : fail("the quote's IP checksum is wrong");
}

/** A station complains about a datagram that reached L1 through a mapping. */
async function complaint(stage: Stage, from: Station): Promise<Outcome> {
  const peer = at(stage.w1, 7000);
  await stage.mapUdp(L2, stage.port, peer);
  const { sourcePort } = await stage.mapUdp(L1, stage.port, peer);
  const arrived = control(await stage.udpIn(peer, sourcePort), "a datagram from outside does not arrive");
  const error = await stage.errorOut(from, stage.w1, { about: arrived.frame, code: from === L1 ? 3 : 1 });
  if (error === undefined) return fail("does not leave");
  if (error.source !== DEVICE_WAN) return fail(`leaves from an inner address`);
  const { quote } = error;
  return quote?.destination === DEVICE_WAN && quote.destinationPort === sourcePort
    ? pass("from the external address, quote restored")
    : fail("the quote shows an inner address or port");
}
