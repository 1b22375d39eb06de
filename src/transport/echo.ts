/** Echo requests of our own: what `ping` is made of (RFC 792, RFC 1122 section 3.2.2.6). */
import { formatAddress } from "../core/address.js";
import { type Clock, NEVER } from "../core/clock.js";
import type { Verdict } from "../core/drops.js";
import { TRANSPORT_AT } from "../core/frame.js";
import { ICMP_ECHO_REQUEST, ICMP_HEADER_BYTES, icmpIdentifier, icmpSequence, writeIcmp } from "../wire/icmp.js";
import { PROTOCOL_ICMP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import type { PortSpace } from "./portSpace.js";
import type { DatagramOutput, IcmpErrorQuote } from "./transport.js";

/** What became of one echo request. */
export type PingResult =
  | { readonly kind: "reply"; readonly roundTripMs: number; readonly bytes: number }
  | { readonly kind: "timeout" }
  /** An ICMP error about it came back: type and code. */
  | { readonly kind: "error"; readonly type: number; readonly code: number };

interface Request {
  readonly identifier: number;
  readonly sequence: number;
  readonly address: number;
  readonly sentAtMs: number;
  readonly deadlineMs: number;
  readonly onResult: (result: PingResult) => void;
}

/** Requests under way at once; each holds an identifier in the port space. */
export const MAX_REQUESTS = 8;
const DATA_BYTES = 32;

export class EchoClient {
  readonly #clock: Clock;
  readonly #output: DatagramOutput;
  readonly #ports: PortSpace;
  readonly #requests: Request[] = [];

  constructor(clock: Clock, output: DatagramOutput, ports: PortSpace) {
    this.#clock = clock;
    this.#output = output;
    this.#ports = ports;
  }

  /**
   * Sends one echo request; `onResult` is called once, later, from `receive` or `poll`. `sequence` is 0..65535.
   * Throws an Error when there is no route, or when 8 requests are under way.
   */
  ping(address: number, sequence: number, timeoutMs: number, onResult: (result: PingResult) => void): void {
    const source = this.#output.sourceFor(address);
    if (source === 0) throw new Error(`no route to ${formatAddress(address)}; set an address and a gateway first`);
    const identifier =
      this.#requests.length < MAX_REQUESTS
        ? this.#ports.allocate(PROTOCOL_ICMP, this.#ports.socketPorts, "socket", this.#requests.length)
        : 0;
    if (identifier === 0) throw new Error(`${MAX_REQUESTS} pings are under way already; wait for one to end`);
    const request: Request = {
      identifier,
      sequence,
      address,
      sentAtMs: this.#clock.now,
      deadlineMs: this.#clock.now + timeoutMs,
      onResult,
    };
    const view = this.#output.frame.view;
    const dataAt = TRANSPORT_AT + ICMP_HEADER_BYTES;
    for (let i = 0; i < DATA_BYTES; i++) view.setUint8(dataAt + i, 0x61 + (i % 26));
    const rest = (identifier << 16) | sequence;
    writeIcmp(view, TRANSPORT_AT, ICMP_ECHO_REQUEST, 0, rest, ICMP_HEADER_BYTES + DATA_BYTES);
    this.#requests.push(request);
    // A packet that could not leave ends as a timeout, as one lost further on does.
    this.#output.send(source, address, PROTOCOL_ICMP, ICMP_HEADER_BYTES + DATA_BYTES, false);
  }

  receiveReply(packet: Packet): Verdict {
    const view = packet.frame.view;
    const identifier = icmpIdentifier(view, packet.transportAt);
    const sequence = icmpSequence(view, packet.transportAt);
    const request = this.#requests.find(
      (one) => one.identifier === identifier && one.sequence === sequence && one.address === packet.source,
    );
    if (request === undefined) return "icmpIgnored";
    const roundTripMs = this.#clock.now - request.sentAtMs;
    this.end(request, { kind: "reply", roundTripMs, bytes: packet.payloadBytes - ICMP_HEADER_BYTES });
    return "ok";
  }

  receiveError(quote: IcmpErrorQuote): Verdict {
    const request = this.#requests.find(
      (one) => one.identifier === quote.sourcePort && one.address === quote.destination,
    );
    if (request === undefined) return "icmpErrorUnmatched";
    this.end(request, { kind: "error", type: quote.type, code: quote.code });
    return "ok";
  }

  poll(): void {
    if (this.#requests.length === 0 || this.nextDeadline() > this.#clock.now) return;
    for (const request of this.#requests.slice()) {
      if (request.deadlineMs <= this.#clock.now) this.end(request, { kind: "timeout" });
    }
  }

  nextDeadline(): number {
    let next = NEVER;
    for (let i = 0; i < this.#requests.length; i++) {
      const deadlineMs = (this.#requests[i] as Request).deadlineMs;
      if (deadlineMs < next) next = deadlineMs;
    }
    return next;
  }

  private end(request: Request, result: PingResult): void {
    this.#requests.splice(this.#requests.indexOf(request), 1);
    this.#ports.release(PROTOCOL_ICMP, request.identifier);
    request.onResult(result);
  }
}
