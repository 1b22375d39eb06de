import { tcpFrame } from "../../support/frames.js";
import { DEVICE_WAN, FORWARDED_PORT, L1, L2, LAN_PREFIX } from "../addresses.js";
import { control, fail, pass } from "../outcome.js";
import type { Probe } from "../probe.js";
import type { Endpoint, Stage } from "../stage.js";
import { allEqual, at } from "./common.js";
import { ICMP_TROUBLE } from "./udp.js";

const SEQUENCE_HALF = 0x40000000;

export const TCP_PROBES: readonly Probe[] = [
  {
    id: "RFC5382 REQ-1",
    strength: "MUST",
    title: "one external port for all destinations",
    async run(stage) {
      const peers = [at(stage.w1, 80), at(stage.w1, 81), at(stage.w2, 80)];
      const connections = [];
      for (const peer of peers) connections.push(await stage.connect(L1, stage.port, peer));
      for (const one of connections) control(await one.carries(), "a connection carries no data");
      return allEqual(connections.map((one) => one.externalPort))
        ? pass("three connections from the same")
        : fail("differs between destinations");
    },
  },
  {
    id: "RFC5382 REQ-1",
    strength: "MUST",
    title: "the same after another host has used that port",
    async run(stage) {
      await stage.connect(L2, stage.port, at(stage.w2, 80));
      const one = await stage.connect(L1, stage.port, at(stage.w1, 80));
      const two = await stage.connect(L1, stage.port, at(stage.w2, 80));
      return one.externalPort === two.externalPort
        ? pass("the same towards both")
        : fail("external port changed after a collision");
    },
  },
  {
    id: "RFC5382 REQ-2",
    strength: "MUST",
    title: "a connection from inside: handshake, data, half-close, close",
    async run(stage) {
      const connection = await stage.connect(L1, stage.port, at(stage.w1, 80));
      control(await connection.carries(), "it carries no data");
      if ((await connection.out("FIN ACK")) === undefined) return fail("FIN does not leave");
      if ((await connection.in()) === undefined) return fail("no data after the half-close");
      if ((await connection.in("FIN ACK")) === undefined) return fail("the answering FIN does not come in");
      return (await connection.out()) === undefined ? fail("the last ACK does not leave") : pass("all of it passes");
    },
  },
  {
    id: "RFC5382 REQ-2",
    strength: "MUST",
    title: "a connection from outside to a forwarded port",
    async run(stage) {
      const peer = at(stage.w1, 40_000);
      const sequence = stage.sequence();
      const call = await stage.tcpIn(peer, FORWARDED_PORT, { flags: "SYN", sequence });
      if (call?.destination !== L2.address) return fail("the SYN does not reach the server");
      const synAck = { flags: "SYN ACK", acknowledgement: sequence + 1 };
      const answer = await stage.tcpOut(L2, FORWARDED_PORT, peer, synAck);
      if (answer?.source !== DEVICE_WAN || answer.sourcePort !== FORWARDED_PORT) return fail("the answer is not its");
      const data = { flags: "ACK", sequence: sequence + 1, acknowledgement: answer.sequence + 1, payload: "data" };
      return (await stage.tcpIn(peer, FORWARDED_PORT, data)) === undefined ? fail("no data") : pass("opens");
    },
  },
  {
    id: "RFC5382 REQ-2a",
    strength: "MUST",
    title: "simultaneous open",
    async run(stage) {
      const peer = at(stage.w1, 80);
      const [mine, yours] = [stage.sequence(), stage.sequence()];
      const syn = control(await stage.tcpOut(L1, stage.port, peer, { flags: "SYN", sequence: mine }), "no SYN leaves");
      const crossing = await stage.tcpIn(peer, syn.sourcePort, { flags: "SYN", sequence: yours });
      if (crossing === undefined) return fail("the crossing SYN is dropped");
      const out = { flags: "SYN ACK", sequence: mine, acknowledgement: yours + 1 };
      const back = { flags: "SYN ACK", sequence: yours, acknowledgement: mine + 1 };
      if ((await stage.tcpOut(L1, stage.port, peer, out)) === undefined) return fail("a SYN ACK does not leave");
      if ((await stage.tcpIn(peer, syn.sourcePort, back)) === undefined) return fail("a SYN ACK does not come in");
      const data = { flags: "ACK", sequence: yours + 1, acknowledgement: mine + 1, payload: "data" };
      return (await stage.tcpIn(peer, syn.sourcePort, data)) === undefined ? fail("no data") : pass("both ends open");
    },
  },
  {
    id: "RFC5382 REQ-3",
    strength: "SHOULD",
    title: "a peer may connect back from another port",
    async run(stage) {
      const { externalPort } = await stage.connect(L1, stage.port, at(stage.w1, 80));
      const isOpen = (await stage.tcpIn(at(stage.w1, 4000), externalPort, { flags: "SYN" })) !== undefined;
      const isOpenToAll = (await stage.tcpIn(at(stage.w2, 4000), externalPort, { flags: "SYN" })) !== undefined;
      if (!isOpen) return fail("dropped: filtering depends on address and port");
      return pass(isOpenToAll ? "endpoint-independent filtering" : "address-dependent filtering");
    },
  },
  {
    id: "RFC5382 REQ-7",
    strength: "MUST",
    title: "two hosts with one source port and one destination stay apart",
    async run(stage) {
      const peer = at(stage.w1, 80);
      const one = await stage.connect(L1, stage.port, peer);
      const two = await stage.connect(L2, stage.port, peer);
      if (one.externalPort === two.externalPort) return fail("both have the same external port");
      return (await one.carries()) && (await two.carries()) ? pass("two connections") : fail("one carries no data");
    },
  },
  {
    id: "RFC5382 REQ-8",
    strength: "MUST",
    title: "hairpin: to another host's external port, from one's own",
    async run(stage) {
      const { externalPort } = await stage.connect(L2, stage.port + 1, at(stage.w1, 80));
      const own = await stage.connect(L1, stage.port, at(stage.w1, 80));
      return await hairpin(stage, externalPort, stage.port + 1, own.externalPort);
    },
  },
  {
    id: "RFC5382 REQ-8",
    strength: "MUST",
    title: "hairpin: to a forwarded port, from one's own external port",
    linuxCure: `\`oifname "lan" ip saddr ${LAN_PREFIX} ct status dnat snat to ${DEVICE_WAN}\` in the postrouting chain`,
    async run(stage) {
      const own = await stage.connect(L1, stage.port, at(stage.w1, 80));
      return await hairpin(stage, FORWARDED_PORT, FORWARDED_PORT, own.externalPort);
    },
  },
  {
    id: "RFC5382 REQ-9",
    strength: "SHOULD",
    title: "unreachables about a connection reach its host",
    async run(stage) {
      const peer = at(stage.w1, 80);
      const out = control(await stage.tcpOut(L1, stage.port, peer, { flags: "SYN" }), "no SYN leaves");
      for (const code of [1, 3, 4]) {
        const error = await stage.errorIn(stage.w1, { about: out.frame, code, nextHopMtu: code === 4 ? 1300 : 0 });
        const quote = error?.quote;
        if (error?.destination !== L1.address) return fail(`code ${code} does not arrive`);
        if (quote?.source !== L1.address || quote.sourcePort !== stage.port) return fail("the quote is not translated");
        if (code === 4 && error.nextHopMtu !== 1300) return fail("the MTU is lost");
      }
      return pass("codes 1, 3, 4, quotes translated");
    },
  },
  {
    id: "RFC5382 REQ-10",
    strength: "MUST",
    title: "no ICMP message ends a connection",
    async run(stage) {
      const connection = await stage.connect(L1, stage.port, at(stage.w1, 80));
      const { frame } = control(await connection.out(), "it carries no data");
      let delivered = 0;
      for (const [type, code] of ICMP_TROUBLE) {
        const nextHopMtu = code === 4 && type === 3 ? 1300 : 0;
        if (await stage.errorIn(stage.w1, { about: frame, type, code, nextHopMtu })) delivered++;
      }
      control(delivered > 0, "no ICMP error comes through");
      return (await connection.carries())
        ? pass(`still there after ${ICMP_TROUBLE.length} kinds`)
        : fail("the connection is cut");
    },
  },
  {
    id: "RFC7857 §2.2a",
    strength: "MUST",
    title: "a reset passes, from either end",
    async run(stage) {
      const one = await stage.connect(L1, stage.port, at(stage.w1, 80));
      const two = await stage.connect(L1, stage.port + 1, at(stage.w1, 80));
      const isIn = (await one.in("RST ACK")) !== undefined;
      const isOut = (await two.out("RST ACK")) !== undefined;
      return isIn && isOut ? pass("both ways") : fail("does not pass");
    },
  },
  {
    id: "RFC7857 §2.2b",
    strength: "SHOULD",
    title: "a reset far outside the window changes nothing (T22)",
    async run(stage) {
      const connection = await stage.connect(L1, stage.port, at(stage.w1, 80));
      control(await connection.carries(), "it carries no data");
      await connection.in("RST", SEQUENCE_HALF);
      return (await connection.carries()) ? pass("the connection goes on") : fail("the connection is cut");
    },
  },
];

async function hairpin(stage: Stage, externalPort: number, insidePort: number, ownExternal: number) {
  const sequence = stage.sequence();
  const to: Endpoint = at(DEVICE_WAN, externalPort);
  const ports = { sourcePort: stage.port, destinationPort: to.port };
  stage.send("lan", tcpFrame({ ...stage.ends(L1.address, to.address), ...ports, sequence }));
  const syn = await stage.arrives(
    "lan",
    (packet) =>
      packet.sequence === (sequence | 0) && packet.destination === L2.address && packet.destinationPort === insidePort,
  );
  if (syn === undefined) return fail("does not arrive");
  if (syn.source !== DEVICE_WAN) return fail(`source is the sender's inner address`);
  return syn.sourcePort === ownExternal ? pass("source is the sender's mapping") : fail("source is another port");
}
