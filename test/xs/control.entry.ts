/**
 * The control of the meters: a router of a few lines in three variants. The flat one allocates nothing, the others one
 * object and one string a packet, and the meters must tell them apart. What it forwards is no gateway's business.
 */
import { updateChecksum } from "../../src/core/checksum.js";
import { ETHERNET_AT, Frame, NETWORK_AT } from "../../src/core/frame.js";
import { toHex } from "./hex.js";
import { type Bench, entryOf, type PacketCase, type Receiver, type Replay } from "./packetCase.js";

const FRAME_BYTES = 60;
const TTL_WORD = (NETWORK_AT + 8) >> 2;

class FlatRouter implements Receiver {
  sent = 0;
  expired = 0;

  /** Decrements the TTL, whose word is in the host's byte order: little-endian on every machine XS and Node run on. */
  receive(_interfaceIndex: number, frame: Frame, _length: number): void {
    const words = frame.words;
    const word = words[TTL_WORD] as number;
    const timeToLive = word & 0xff;
    if (timeToLive <= 1) {
      this.expired++;
      return;
    }
    const stored = (word >> 16) & 0xffff;
    const checksum = ((stored & 0xff) << 8) | (stored >> 8);
    // One less in the high byte of a word adds ~0x0100 + 0 to the sum.
    const updated = updateChecksum(checksum, 0xfeff);
    words[TTL_WORD] = ((word & 0xffff) - 1) | ((((updated & 0xff) << 8) | (updated >> 8)) << 16);
    this.sent++;
  }
}

class ObjectRouter extends FlatRouter {
  last: { length: number } | undefined;

  override receive(interfaceIndex: number, frame: Frame, length: number): void {
    this.last = { length };
    super.receive(interfaceIndex, frame, length);
  }
}

class StringRouter extends FlatRouter {
  last = "";

  override receive(interfaceIndex: number, frame: Frame, length: number): void {
    this.last = `packet ${this.sent & 1 ? "even" : "odd"}`;
    super.receive(interfaceIndex, frame, length);
  }
}

function routerCase(name: string, create: () => FlatRouter, packets = 2000, timeToLive = 64): PacketCase {
  const frame = new Frame(FRAME_BYTES);
  writeHeader(frame, timeToLive);
  const template = frame.words.slice();
  return {
    name,
    packets,
    interfaceIndex: 0,
    frame,
    length: FRAME_BYTES,
    prepare(): Bench {
      const receiver = create();
      return { receiver, doneCount: () => receiver.sent };
    },
    load: () => frame.words.set(template),
  };
}

/** An IPv4 header with a correct checksum, and nothing behind it. */
function writeHeader(frame: Frame, timeToLive: number): void {
  const { view } = frame;
  view.setUint16(ETHERNET_AT + 12, 0x0800);
  view.setInt32(NETWORK_AT, 0x4500002e);
  view.setInt32(NETWORK_AT + 8, (timeToLive << 24) | (17 << 16));
  view.setInt32(NETWORK_AT + 12, 0xc0a8010a);
  view.setInt32(NETWORK_AT + 16, 0xc6336401);
  let sum = 0;
  for (let at = NETWORK_AT; at < NETWORK_AT + 20; at += 2) sum += view.getUint16(at);
  view.setUint16(NETWORK_AT + 10, updateChecksum(0xffff, sum));
}

function replayTimesToLive(): Replay {
  const router = new FlatRouter();
  const frames: string[] = [];
  for (const timeToLive of [0, 1, 2, 64, 65, 128, 255]) {
    const frame = new Frame(FRAME_BYTES);
    writeHeader(frame, timeToLive);
    const sentBefore = router.sent;
    router.receive(0, frame, FRAME_BYTES);
    if (router.sent > sentBefore) frames.push(`1:${toHex(frame, FRAME_BYTES)}`);
  }
  return { frames, counters: { sent: router.sent, expired: router.expired } };
}

export const { listCases, prepare, run, replay } = entryOf(
  [
    routerCase("flat", () => new FlatRouter()),
    routerCase("expired", () => new FlatRouter(), 2000, 1),
    routerCase("an object a packet", () => new ObjectRouter()),
    routerCase("a string a packet", () => new StringRouter()),
    routerCase("a string a packet, few packets", () => new StringRouter(), 400),
    routerCase("objects beyond the heap", () => new ObjectRouter(), 200_000),
  ],
  replayTimesToLive,
);
