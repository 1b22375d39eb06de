/** Frames of all kinds for both sides, valid or spoilt, in and out of order, with time passing between them. */
import { LAN, WAN } from "../../src/gateway.js";
import {
  arpFrame,
  BROADCAST,
  fragmentsOf,
  icmpErrorFrame,
  icmpFrame,
  ipv4Frame,
  naiveChecksum,
  paddedTo60,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "../support/frames.js";
import {
  between,
  ISP_ADDRESS,
  ISP_MAC,
  L1_ADDRESS,
  L1_MAC,
  L2_ADDRESS,
  LAN_ADDRESS,
  NEAR_ADDRESS,
  W1_ADDRESS,
  W2_ADDRESS,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import type { FuzzedGateway } from "./fuzzedGateway.js";
import { be16, isFragment } from "./soundness.js";

const REMOTES = Object.freeze([W1_ADDRESS, W2_ADDRESS, NEAR_ADDRESS, ISP_ADDRESS, "8.8.8.8"]);
const INSIDE = Object.freeze([L1_ADDRESS, L2_ADDRESS, "192.168.1.77"]);
const FLAGS = Object.freeze([
  "SYN",
  "SYN ACK",
  "ACK",
  "PSH ACK",
  "FIN ACK",
  "RST",
  "RST ACK",
  "",
  "FIN SYN PSH URG ACK",
]);
const BYTES = Object.freeze([0, 1, 0x45, 0x46, 0x4f, 0x65, 0x7f, 0x80, 0xff]);
const ODD_ADDRESSES = Object.freeze([
  "0.0.0.0",
  "127.0.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "192.168.1.255",
  "203.0.113.255",
  LAN_ADDRESS,
  WAN_ADDRESS,
  "192.168.1.200",
]);
const OPTIONS = Object.freeze([
  [],
  [],
  [],
  [1, 1, 1, 0],
  [7, 7, 4, 0, 0, 0, 0, 0],
  [131, 7, 4, 8, 8, 8, 8, 0],
  [148, 4, 0, 0],
]);

export class FrameSource {
  readonly #fuzzed: FuzzedGateway;
  /** Frames held back, so that they come late and out of order. */
  readonly #held: { side: number; bytes: Uint8Array }[] = [];

  constructor(fuzzed: FuzzedGateway) {
    this.#fuzzed = fuzzed;
  }

  /** Hands in one more frame, and lets some time pass. */
  next(): void {
    const fuzzed = this.#fuzzed;
    const side = fuzzed.chance(0.5) ? LAN : WAN;
    for (const valid of side === LAN ? this.#fromLan() : this.#fromWan()) {
      const bytes = fuzzed.chance(0.4) ? this.#mutated(valid) : valid;
      if (fuzzed.chance(0.05)) {
        this.#held.push({ side, bytes });
        continue;
      }
      fuzzed.receive(side, bytes);
      if (fuzzed.chance(0.05)) fuzzed.receive(side, bytes);
    }
    if (this.#held.length > 8) {
      const [late] = this.#held.splice(fuzzed.below(this.#held.length), 1);
      if (late !== undefined) fuzzed.receive(late.side, late.bytes);
    }
    if (fuzzed.chance(0.2)) fuzzed.advance(this.#pause());
  }

  #pause(): number {
    const kind = this.#fuzzed.random.fraction();
    if (kind < 0.9) return this.#fuzzed.below(200);
    if (kind < 0.998) return this.#fuzzed.below(3000);
    return this.#fuzzed.below(400_000);
  }

  #fromLan(): Uint8Array[] {
    const { below, pick, chance } = bound(this.#fuzzed);
    const source = pick(INSIDE);
    const destination = pick([...REMOTES, ...REMOTES, WAN_ADDRESS, LAN_ADDRESS, pick(ODD_ADDRESSES)]);
    const addresses = between(source, destination);
    const common = {
      ...addresses,
      ttl: pick([64, 64, 64, 2, 1, 0]),
      options: pick(OPTIONS),
      dontFragment: chance(0.3),
    };
    const sourcePort = pick([40000 + below(30), 123, 5000, 8000 + below(10)]);
    const destinationPort = pick([53, 80, 7000 + below(10), 7777, 7, 23, 1 + below(65535)]);
    const payload = patternBytes(chance(0.05) ? 1372 + below(100) : below(60));
    switch (below(12)) {
      case 0:
        return [this.#lanArp()];
      case 1:
      case 2:
        return [udpFrame({ ...common, sourcePort, destinationPort, payload })];
      case 3: {
        const checksum = chance(0.5) ? { checksum: 0 } : {};
        return [
          udpFrame({ ...common, options: [], ttl: 64, sourcePort: 40000, destinationPort: 53, payload, ...checksum }),
        ];
      }
      case 4:
        return [tcpFrame({ ...common, sourcePort, destinationPort, flags: pick(FLAGS), payload })];
      case 5:
        return [tcpFrame({ ...common, options: [], ttl: 64, sourcePort, destinationPort, sequence: 1000 })];
      case 6:
        return [icmpFrame({ ...common, type: pick([8, 8, 8, 13, 0, 3, 5, 17, 200]), identifier: below(20), payload })];
      case 7:
        return this.#shuffled(
          fragmentsOf(
            udpFrame({ ...addresses, identification: below(65536), sourcePort, payload: patternBytes(3000) }),
            1200,
          ),
        );
      case 8:
        return [ipv4Frame({ ...common, protocol: pick([2, 4, 41, 47, 50, 254]), payload })];
      case 9:
      case 10:
        return [this.#answerTo(this.#fuzzed.leftByLan, true)];
      default:
        return [this.#errorAbout(this.#fuzzed.leftByLan, true)];
    }
  }

  #fromWan(): Uint8Array[] {
    const { below, pick, chance } = bound(this.#fuzzed);
    const source = pick(REMOTES);
    const destination = chance(0.9) ? WAN_ADDRESS : pick([...INSIDE, ...ODD_ADDRESSES]);
    const addresses = between(source, destination);
    const common = { ...addresses, ttl: pick([64, 64, 2, 1, 0]), options: pick(OPTIONS), dontFragment: chance(0.3) };
    const sourcePort = pick([53, 80, 40000 + below(20)]);
    const destinationPort = pick([7000 + below(10), 7777, 7, 23, 1 + below(65535)]);
    const payload = patternBytes(below(60));
    switch (below(14)) {
      case 0:
        return [this.#wanArp()];
      case 1:
        return [udpFrame({ ...common, sourcePort, destinationPort, payload })];
      case 2:
        return [tcpFrame({ ...common, sourcePort, destinationPort, flags: pick(FLAGS), payload })];
      case 3:
        return [icmpFrame({ ...common, type: pick([8, 0, 13, 3, 5, 200]), identifier: below(65536), payload })];
      case 4:
        return this.#shuffled(
          fragmentsOf(
            udpFrame({ ...addresses, identification: below(65536), destinationPort, payload: patternBytes(3000) }),
            1200,
          ),
        );
      case 5: {
        const answer = this.#answerTo(this.#fuzzed.leftByWan, false);
        return answer.length > 200 ? this.#shuffled(fragmentsOf(answer, 64)) : [answer];
      }
      case 6:
      case 7:
        return [this.#errorAbout(this.#fuzzed.leftByWan, false)];
      default:
        return [this.#answerTo(this.#fuzzed.leftByWan, false)];
    }
  }

  /** What the far end might say to a frame of the past: addresses and ports swapped. */
  #answerTo(past: readonly Uint8Array[], isLan: boolean): Uint8Array {
    const { below, pick, chance } = bound(this.#fuzzed);
    if (past.length === 0) return this.#lanArp();
    const frame = pick(past);
    const at = 14 + (((frame[14] as number) & 15) << 2);
    const source = frame.subarray(30, 34).join(".");
    const destination = frame.subarray(26, 30).join(".");
    const addresses = { ...between(isLan ? L1_ADDRESS : W1_ADDRESS, destination), source };
    const payload = patternBytes(chance(0.1) ? 600 : below(60));
    if (isFragment(frame) || frame.length < at + 8) return udpFrame({ ...addresses, payload });
    const ports = { sourcePort: be16(frame, at + 2), destinationPort: be16(frame, at) };
    if (frame[23] === 17) return udpFrame({ ...addresses, ...ports, payload });
    if (frame[23] === 1) {
      const type = frame[at] === 8 ? 0 : frame[at] === 13 ? 14 : 8;
      return icmpFrame({ ...addresses, type, identifier: be16(frame, at + 4), payload });
    }
    if (frame.length < at + 20) return udpFrame({ ...addresses, payload });
    const wasSyn = ((frame[at + 13] as number) & 0x12) === 2;
    const sequence = wasSyn ? 9000 : be32(frame, at + 8);
    const flags = wasSyn && chance(0.8) ? "SYN ACK" : pick(["ACK", "ACK", "ACK", "PSH ACK", pick(FLAGS)]);
    const acknowledgement = (be32(frame, at + 4) + (wasSyn ? 1 : 0)) | 0;
    return tcpFrame({ ...addresses, ...ports, sequence, acknowledgement, flags, payload: wasSyn ? "" : payload });
  }

  #errorAbout(past: readonly Uint8Array[], isLan: boolean): Uint8Array {
    const { below, pick } = bound(this.#fuzzed);
    if (past.length === 0) return this.#wanArp();
    const about = pick(past);
    const destination = about.subarray(26, 30).join(".");
    const source = pick(isLan ? INSIDE : REMOTES);
    const quoteBytes = pick([548, 28, 40, below(60)]);
    const type = pick([3, 3, 3, 11, 12, 4, 5]);
    return icmpErrorFrame({ ...between(source, destination), type, code: below(16), about, quoteBytes });
  }

  #lanArp(): Uint8Array {
    const { pick, below } = bound(this.#fuzzed);
    const senderAddress = pick([...INSIDE, "0.0.0.0", LAN_ADDRESS, "10.0.0.1", `192.168.1.${below(256)}`]);
    const operation = pick(["request", "reply"] as const);
    return arpFrame({ operation, senderAddress, senderMac: L1_MAC, targetAddress: pick([LAN_ADDRESS, L2_ADDRESS]) });
  }

  #wanArp(): Uint8Array {
    const { pick, below } = bound(this.#fuzzed);
    const senderAddress = pick([ISP_ADDRESS, NEAR_ADDRESS, WAN_ADDRESS, `203.0.113.${below(256)}`]);
    const destinationMac = pick([BROADCAST, "02:00:00:00:00:02"]);
    const operation = pick(["request", "reply"] as const);
    return arpFrame({ operation, destinationMac, senderAddress, senderMac: ISP_MAC, targetAddress: WAN_ADDRESS });
  }

  #shuffled(frames: Uint8Array[]): Uint8Array[] {
    const { below, chance } = bound(this.#fuzzed);
    const list = frames.slice();
    if (chance(0.5)) {
      for (let i = list.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [list[i], list[j]] = [list[j] as Uint8Array, list[i] as Uint8Array];
      }
    }
    return chance(0.2) ? list.slice(1) : list;
  }

  /** One to three changes; half the time the header checksum is made right again, so that the rest is looked at. */
  #mutated(frame: Uint8Array): Uint8Array {
    const { below, pick, chance } = bound(this.#fuzzed);
    let bytes: Uint8Array = frame.slice();
    for (let left = 1 + below(3); left > 0; left--) {
      switch (below(6)) {
        case 0:
          bytes[below(bytes.length)] = pick(BYTES);
          break;
        case 1:
          bytes[Math.min(12 + below(40), bytes.length - 1)] = this.#fuzzed.random.next32() & 255;
          break;
        case 2: {
          const at = below(bytes.length);
          bytes[at] = (bytes[at] as number) ^ (1 << below(8));
          break;
        }
        case 3:
          bytes = bytes.slice(0, below(bytes.length + 1));
          break;
        case 4: {
          const longer = new Uint8Array(bytes.length + below(60));
          longer.set(bytes);
          bytes = longer;
          break;
        }
        default:
          bytes = paddedTo60(bytes);
      }
      if (bytes.length === 0) return bytes;
    }
    const headerBytes = ((bytes[14] ?? 0) & 15) * 4;
    if (chance(0.5) && headerBytes >= 20 && bytes.length >= 14 + headerBytes) {
      bytes.set([0, 0], 24);
      const checksum = naiveChecksum(bytes.subarray(14, 14 + headerBytes));
      bytes.set([checksum >> 8, checksum & 255], 24);
    }
    return bytes;
  }
}

function bound(fuzzed: FuzzedGateway) {
  return {
    below: (limit: number) => fuzzed.below(limit),
    chance: (probability: number) => fuzzed.chance(probability),
    pick: <T>(list: readonly T[]) => fuzzed.pick(list),
  };
}

function be32(bytes: Uint8Array, at: number): number {
  return (be16(bytes, at) << 16) | be16(bytes, at + 2);
}
