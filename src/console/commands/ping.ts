import { formatAddress } from "../../core/address.js";
import { NEVER } from "../../core/clock.js";
import type { Gateway } from "../../gateway.js";
import type { PingResult } from "../../transport/echo.js";
import { ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from "../../wire/icmp.js";
import { type Activity, type Command, CommandError } from "../command.js";
import { commandTable } from "../syntax.js";
import { readAddress } from "../values.js";

const REQUESTS = 4;
/** Between requests, and how long each may take: so the lines come in order. */
const INTERVAL_MS = 1000;

export const PING_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "ping ADDRESS",
    summary: "send 4 echo requests, one a second",
    details: "Ctrl-C or an empty line ends it. Lines typed meanwhile wait for its end.\n",
    example: "ping 203.0.113.1",
    run({ gateway }, [, text = ""]) {
      const address = readAddress(text);
      if (gateway.output.isOurs(address)) {
        throw new CommandError(`${text} is Porter's own address; ping another host`);
      }
      return new Ping(gateway, address);
    },
  },
]);

class Ping implements Activity {
  readonly #gateway: Gateway;
  readonly #address: number;
  readonly #roundTripsMs: number[] = [];
  #sent = 0;
  #sentAtMs = 0;
  /** Of the last request, until it is printed. */
  #result: PingResult | undefined;
  #isAwaiting = false;
  isDone = false;

  /** Sends the first request. Throws an Error when there is no way to `address`. */
  constructor(gateway: Gateway, address: number) {
    this.#gateway = gateway;
    this.#address = address;
    this.#send();
  }

  poll(): string {
    const result = this.#result;
    if (result !== undefined) {
      this.#result = undefined;
      return this.#describe(result) + (this.#sent === REQUESTS ? this.#finish() : "");
    }
    const isDue = !this.isDone && !this.#isAwaiting && this.#gateway.clock.now >= this.#sentAtMs + INTERVAL_MS;
    // Throws when the way there is gone since the last request.
    if (isDue) this.#send();
    return "";
  }

  interrupt(): string {
    return this.isDone ? "" : this.#finish();
  }

  /** A result is printed at once; without one, the echo client's own deadline comes first. */
  nextDeadline(): number {
    if (this.isDone) return NEVER;
    if (this.#result !== undefined) return this.#gateway.clock.now;
    return this.#isAwaiting ? NEVER : this.#sentAtMs + INTERVAL_MS;
  }

  #send(): void {
    this.#gateway.echo.ping(this.#address, this.#sent + 1, INTERVAL_MS, (result) => this.#take(result));
    this.#sent++;
    this.#sentAtMs = this.#gateway.clock.now;
    this.#isAwaiting = true;
  }

  #take(result: PingResult): void {
    this.#result = result;
    this.#isAwaiting = false;
    if (result.kind === "reply") this.#roundTripsMs.push(result.roundTripMs);
  }

  #describe(result: PingResult): string {
    const from = `from ${formatAddress(this.#address)}: seq=${this.#sent}`;
    if (result.kind === "reply") return `${result.bytes} bytes ${from} time=${inTenths(result.roundTripMs)} ms\n`;
    if (result.kind === "timeout") return `no answer ${from}\n`;
    return `no answer ${from}, ${describeError(result.type, result.code)}\n`;
  }

  #finish(): string {
    this.isDone = true;
    const times = this.#roundTripsMs;
    const lost = Math.round(((this.#sent - times.length) * 100) / this.#sent);
    const summary = `${this.#sent} sent, ${times.length} received, ${lost}% lost`;
    if (times.length === 0) return `${summary}\n`;
    const average = times.reduce((sum, time) => sum + time, 0) / times.length;
    const figures = [Math.min(...times), average, Math.max(...times)].map(inTenths).join("/");
    return `${summary}, round trip min/avg/max ${figures} ms\n`;
  }
}

/** To a tenth of a millisecond, without the trailing zeros. */
function inTenths(ms: number): string {
  return `${Math.round(ms * 10) / 10}`;
}

/** RFC 792, RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1: the codes that pings meet. */
function describeError(type: number, code: number): string {
  if (type === ICMP_TIME_EXCEEDED) return "time to live exceeded";
  if (type !== ICMP_UNREACHABLE) return `ICMP error type ${type} code ${code}`;
  if (code === 0) return "network unreachable";
  if (code === 1) return "host unreachable";
  return code === 13 || code === 9 || code === 10 ? "prohibited" : `destination unreachable (code ${code})`;
}
