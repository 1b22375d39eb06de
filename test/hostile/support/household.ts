/**
 * Hosts of the LAN that go about their business while others attack: established TCP connections, DNS lookups from new
 * ports, and pings, each with its answer after a round trip. Every packet of theirs that should arrive and does not is
 * noted.
 */
import { decodeIcmp, decodeTcp, decodeUdp } from "../../support/expectFrame.js";
import { icmpFrame, tcpFrame, udpFrame } from "../../support/frames.js";
import { between, type GatewayBench, W1_ADDRESS, WAN_ADDRESS } from "../../support/gatewayBench.js";

export const STEP_MS = 10;
const ROUND_TRIP_MS = 40;
const CONNECTIONS = 4;

interface Connection {
  readonly host: string;
  readonly port: number;
  readonly external: number;
  sent: number;
}

export class Household {
  /** What was lost: nothing, if all is well. */
  readonly lost: string[] = [];
  answered = 0;
  opened = 0;
  readonly #bench: GatewayBench;
  readonly #hosts: readonly string[];
  readonly #connections: Connection[] = [];
  /** What comes back from the internet, and when. */
  readonly #due: { readonly at: number; run(): void }[] = [];
  #port = 20_000;

  /** Their connections are established now. */
  constructor(bench: GatewayBench, hosts: readonly string[]) {
    this.#bench = bench;
    this.#hosts = hosts;
    for (const host of hosts) {
      bench.stations.set(host, macOf(host));
      bench.introduce(host, macOf(host));
      for (let i = 0; i < CONNECTIONS; i++) this.connect(host, (connection) => this.#connections.push(connection));
    }
    this.run(ROUND_TRIP_MS * 2, () => {}, false);
    if (this.#connections.length !== hosts.length * CONNECTIONS) throw new Error(this.lost.join());
  }

  get connectionCount(): number {
    return this.#connections.length;
  }

  /** Lets time pass; `attack` has its turn in each step. Every second each host uses its connections, asks DNS and pings. */
  run(ms: number, attack: () => void, isBusy = true, lookupsPerSecond = 1): void {
    const bench = this.#bench;
    const end = bench.now + ms;
    for (let step = 0; bench.now < end; step++) {
      bench.advance(STEP_MS);
      attack();
      bench.clear();
      while (this.#due[0] !== undefined && this.#due[0].at <= bench.now) this.#due.shift()?.run();
      if (!isBusy) continue;
      this.#hosts.forEach((host, index) => {
        // Not all at once.
        const turn = step + index * 7;
        if (turn % (100 / lookupsPerSecond) === 3) this.#lookup(host);
        if (turn % 100 === 5) this.#ping(host, 700 + index);
        if (turn % 100 === 9) for (const one of this.#connections) if (one.host === host) this.#use(one);
        if (turn % 100 === 13) this.connect(host, (connection) => this.#close(connection));
      });
    }
    // What is still on its way.
    for (const { run } of this.#due.splice(0)) run();
  }

  /** Opens a connection; `then` once it is established. */
  connect(host: string, then: (connection: Connection) => void): void {
    const port = this.#port++;
    const client = { ...ends(host), sourcePort: port, destinationPort: 443 };
    const syn = this.#passes("wan", tcpFrame({ ...client, sequence: 1000 }), `SYN of ${host}`);
    if (syn === undefined) return;
    const external = decodeTcp(syn.subarray(14)).sourcePort;
    const server = { ...between(W1_ADDRESS, WAN_ADDRESS), sourcePort: 443, destinationPort: external };
    this.#later(() => {
      const answer = tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" });
      if (this.#passes("lan", answer, `SYN ACK to ${host}`) === undefined) return;
      const ack = tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK" });
      if (this.#passes("wan", ack, `ACK of ${host}`) === undefined) return;
      then({ host, port, external, sent: 0 });
    });
  }

  #use(connection: Connection): void {
    const { host, port, external } = connection;
    const client = { ...ends(host), sourcePort: port, destinationPort: 443, flags: "ACK" };
    const server = { ...between(W1_ADDRESS, WAN_ADDRESS), sourcePort: 443, destinationPort: external, flags: "ACK" };
    const sequence = 1001 + connection.sent;
    connection.sent++;
    const request = tcpFrame({ ...client, sequence, acknowledgement: 9000 + connection.sent, payload: "q" });
    if (this.#passes("wan", request, `segment of ${host}`) === undefined) return;
    const answer = { sequence: 9000 + connection.sent, acknowledgement: sequence + 1, payload: "a" };
    this.#later(() => {
      if (this.#passes("lan", tcpFrame({ ...server, ...answer }), `segment to ${host}`) !== undefined) this.answered++;
    });
  }

  /** Both sides finish. */
  #close({ host, port, external }: Connection): void {
    this.opened++;
    const client = { ...ends(host), sourcePort: port, destinationPort: 443, flags: "FIN ACK" };
    const server = { ...between(W1_ADDRESS, WAN_ADDRESS), sourcePort: 443, destinationPort: external };
    this.#passes("wan", tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001 }), `FIN of ${host}`);
    this.#later(() => {
      const answer = { sequence: 9001, acknowledgement: 1002, flags: "FIN ACK" };
      this.#passes("lan", tcpFrame({ ...server, ...answer }), `FIN to ${host}`);
    });
  }

  #lookup(host: string): void {
    const port = this.#port++;
    const query = udpFrame({ ...ends(host), sourcePort: port, destinationPort: 53, payload: "query" });
    const sent = this.#passes("wan", query, `query of ${host}`);
    if (sent === undefined) return;
    const destinationPort = decodeUdp(sent.subarray(14)).sourcePort;
    const reply = { ...between(W1_ADDRESS, WAN_ADDRESS), sourcePort: 53, destinationPort, payload: "answer" };
    this.#later(() => {
      if (this.#passes("lan", udpFrame(reply), `DNS answer to ${host}`) !== undefined) this.answered++;
    });
  }

  #ping(host: string, identifier: number): void {
    const sent = this.#passes("wan", icmpFrame({ ...ends(host), identifier }), `ping of ${host}`);
    if (sent === undefined) return;
    const reply = {
      ...between(W1_ADDRESS, WAN_ADDRESS),
      identifier: decodeIcmp(sent.subarray(14)).identifier,
      type: 0,
    };
    this.#later(() => {
      if (this.#passes("lan", icmpFrame(reply), `ping's answer to ${host}`) !== undefined) this.answered++;
    });
  }

  #later(run: () => void): void {
    this.#due.push({ at: this.#bench.now + ROUND_TRIP_MS, run });
  }

  /** Sends a frame from the other side; returns the one that left by `side` for it. */
  #passes(side: "lan" | "wan", frame: Uint8Array, what: string): Uint8Array | undefined {
    const bench = this.#bench;
    bench.drops();
    if (side === "wan") bench.fromLan(frame);
    else bench.fromWan(frame);
    const [wan, lan] = [bench.wan(), bench.lan()];
    const sent = side === "wan" ? wan : lan;
    if (sent.length === 1) return sent[0];
    this.lost.push(`${what} at ${bench.now}: ${JSON.stringify(bench.drops())}`);
    return undefined;
  }
}

export function macOf(host: string): string {
  const last = Number(host.split(".")[3]);
  return `02:00:00:00:00:${last.toString(16).padStart(2, "0")}`;
}

/** From a host of the LAN to W1. */
export function ends(host: string) {
  return { ...between(host, W1_ADDRESS), sourceMac: macOf(host) };
}
