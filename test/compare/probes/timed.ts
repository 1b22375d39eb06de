import { DEVICE_WAN, FORWARDED_PORT, L1, L2 } from "../addresses.js";
import { control, fail, type Outcome, pass } from "../outcome.js";
import type { Packet } from "../packet.js";
import type { Probe } from "../probe.js";
import type { Stage } from "../stage.js";
import { at, sleep } from "./common.js";

/** Longer than timers of 30 s, which are common, though no RFC allows them. */
const SILENCE_MS = 35_000;
/** RFC 5382 REQ-4: 6 s, and room for a machine that is busy. */
const SYN_SILENCE_MS = 6000;
const SYN_ANSWER_MS = 7500;

const INPUT_DROP = 'an input chain that drops what is new from `iifname "wan"`; then no SYN is answered ever (REQ-4a)';

const gone = (): Outcome => fail("gone within 35 s");
const kept = (): Outcome => pass("still there after 35 s");

/** Those that let the device alone for a time; they all wait at once. */
export const TIMED_PROBES: readonly Probe[] = [
  {
    id: "RFC4787 REQ-5",
    strength: "MUST",
    title: "a UDP mapping without an answer so far lives 120 s (35 s of them tried)",
    waitMs: SILENCE_MS,
    linuxCure: "`nf_conntrack_udp_timeout=300`",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const { sourcePort } = await stage.mapUdp(L1, stage.port, peer);
      // The control is a mapping of its own, for an answer changes the other's timer.
      const other = await stage.mapUdp(L1, stage.port + 1, peer);
      control(await stage.udpIn(peer, other.sourcePort), "an answer does not come in at once");
      await sleep(SILENCE_MS);
      return (await stage.udpIn(peer, sourcePort)) === undefined ? gone() : kept();
    },
  },
  {
    id: "RFC4787 REQ-5",
    strength: "MUST",
    title: "the same after one quick question and answer",
    waitMs: SILENCE_MS,
    linuxCure: "`nf_conntrack_udp_timeout=300`",
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const { sourcePort } = await stage.mapUdp(L1, stage.port, peer);
      control(await stage.udpIn(peer, sourcePort), "an answer does not come in at once");
      await sleep(SILENCE_MS);
      return (await stage.udpIn(peer, sourcePort)) === undefined ? gone() : kept();
    },
  },
  {
    id: "RFC5508 REQ-2",
    strength: "MUST",
    title: "an ICMP query session lives 60 s (35 s of them tried)",
    waitMs: SILENCE_MS,
    linuxCure: "`nf_conntrack_icmp_timeout=60`",
    async run(stage) {
      const out = control(await stage.queryOut(L1, stage.w1, stage.port), "a ping does not leave");
      const other = control(await stage.queryOut(L1, stage.w1, stage.port + 1), "a ping does not leave");
      control(await stage.replyIn(stage.w1, other.icmpIdentifier), "a reply does not come in at once");
      await sleep(SILENCE_MS);
      return (await stage.replyIn(stage.w1, out.icmpIdentifier)) === undefined ? gone() : kept();
    },
  },
  {
    id: "RFC5382 REQ-5",
    strength: "MUST",
    title: "a closing TCP connection lives 240 s (35 s of them tried)",
    waitMs: SILENCE_MS,
    linuxCure: "`nf_conntrack_tcp_timeout_last_ack=240`",
    async run(stage) {
      const connection = await stage.connect(L1, stage.port, at(stage.w1, 80));
      control(await connection.out("FIN ACK"), "a FIN does not leave");
      control(await connection.in(), "data does not come in after it");
      control(await connection.in("FIN ACK"), "a FIN does not come in");
      await sleep(SILENCE_MS);
      // Its last ACK was lost: the outer host sends the FIN again.
      return (await connection.in("FIN ACK", -1)) === undefined ? gone() : kept();
    },
  },
  {
    id: "RFC7857 §2.2",
    strength: "SHOULD",
    title: "a connection is kept 240 s after a reset (35 s of them tried)",
    waitMs: SILENCE_MS,
    linuxCure: "`nf_conntrack_tcp_timeout_close=240`",
    async run(stage) {
      const connection = await stage.connect(L1, stage.port, at(stage.w1, 80));
      control(await connection.carries(), "it carries no data");
      control(await connection.in("RST ACK"), "a reset does not come in");
      await sleep(SILENCE_MS);
      return (await connection.in()) === undefined ? gone() : kept();
    },
  },
  {
    id: "RFC5382 REQ-4",
    strength: "MUST",
    title: "an unsolicited SYN is not answered for 6 s",
    waitMs: SYN_ANSWER_MS,
    linuxCure: INPUT_DROP,
    async run(stage) {
      const peer = at(stage.w1, 40_000);
      const sequence = stage.sequence();
      const call = await stage.tcpIn(peer, FORWARDED_PORT, { flags: "SYN", sequence });
      control(call?.destination === L2.address, "a SYN to a forwarded port does not arrive");
      const { answer, afterMs } = await knock(stage, stage.port, SYN_ANSWER_MS);
      if (answer === undefined) return pass("never answered, as REQ-4a allows");
      if (afterMs < SYN_SILENCE_MS) return fail(`${named(answer)} at once`);
      return answer.icmpType === 3 ? pass(`${named(answer)} after 6 s`) : fail(`${named(answer)} after 6 s`);
    },
  },
  {
    id: "RFC5382 REQ-4",
    strength: "MUST",
    title: "an inner host's SYN that meets it opens the connection, and nothing is answered",
    waitMs: SYN_ANSWER_MS,
    linuxCure: INPUT_DROP,
    async run(stage) {
      // What its mapping to W2 has told: from there W1 knows where to knock.
      const { externalPort } = await stage.connect(L1, stage.port, at(stage.w2, 80));
      const answered = knock(stage, externalPort, SYN_ANSWER_MS);
      await sleep(1000);
      const sequence = stage.sequence();
      const peer = at(stage.w1, 40_000);
      const syn = await stage.tcpOut(L1, stage.port, peer, { flags: "SYN", sequence });
      const synAck = { flags: "SYN ACK", acknowledgement: sequence + 1 };
      const isOpen = syn && (await stage.tcpIn(peer, syn.sourcePort, synAck)) !== undefined;
      const { answer, afterMs } = await answered;
      if (answer) return fail(`${named(answer)} ${afterMs < 1000 ? "at once" : "though the SYN went out"}`);
      return isOpen ? pass("opens, in silence") : fail("does not open");
    },
  },
];

/** W1 sends a SYN to an external port; what the device itself answers, and when. */
async function knock(stage: Stage, port: number, waitMs: number): Promise<{ answer?: Packet; afterMs: number }> {
  const sequence = stage.sequence();
  const started = performance.now();
  // With endpoint-independent filtering it reaches the host, which is no answer.
  await stage.tcpIn(at(stage.w1, 40_000), port, { flags: "SYN", sequence });
  const isAnswer = (packet: Packet): boolean =>
    packet.source === DEVICE_WAN &&
    packet.destination === stage.w1 &&
    (packet.quote?.sequence === (sequence | 0) || (packet.flags.includes("RST") && packet.sourcePort === port));
  const answer = await stage.wire.next("wan", isAnswer, waitMs - (performance.now() - started));
  const afterMs = performance.now() - started;
  return answer === undefined ? { afterMs } : { answer, afterMs };
}

function named(answer: Packet): string {
  return answer.quote === undefined ? `TCP ${answer.flags}` : `ICMP ${answer.icmpType}/${answer.icmpCode}`;
}
