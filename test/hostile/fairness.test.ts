import { describe, expect, it } from "vitest";
import { decodeTcp } from "../support/expectFrame.js";
import { icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import { between, GatewayBench, W1_ADDRESS, WAN_ADDRESS } from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";
import { ends, Household, macOf, STEP_MS } from "./support/household.js";

const HOSTS = [20, 21, 22, 23, 24].map((last) => `192.168.1.${last}`);
const ATTACKERS = [66, 67, 68, 69].map((last) => `192.168.1.${last}`);
/** Long enough for the tables to be full, with what the others hold, for half of the time. */
const ATTACK_MS = 20_000;
const STEPS = ATTACK_MS / STEP_MS;
const TIMEOUT_MS = 60_000;

/** The frame that begins flow `number` of a host. */
type Opening = (host: string, number: number) => Uint8Array;

const fromNewPort: Opening = (host, number) =>
  udpFrame({ ...ends(host), sourcePort: 1024 + (number % 60_000), destinationPort: 53 + Math.floor(number / 60_000) });
const toNewPort: Opening = (host, number) =>
  udpFrame({ ...ends(host), sourcePort: 5000, destinationPort: 1 + (number % 65_000) });
const syn: Opening = (host, number) =>
  tcpFrame({ ...ends(host), sourcePort: 1024 + (number % 60_000), destinationPort: 80, sequence: 1 });
const ping: Opening = (host, number) => icmpFrame({ ...ends(host), identifier: number % 65_536 });
const ofAllKinds: Opening = (host, number) =>
  ([fromNewPort, syn, ping, toNewPort][number & 3] as Opening)(host, number >> 2);

function flood(bench: GatewayBench, attackers: readonly string[], opening: Opening, flows: number): () => void {
  for (const host of attackers) {
    bench.stations.set(host, macOf(host));
    bench.introduce(host, macOf(host));
  }
  let number = 0;
  return () => {
    for (let i = 0; i < flows / STEPS; i++, number++) {
      const host = attackers[number % attackers.length] as string;
      bench.fromLan(opening(host, Math.floor(number / attackers.length)));
    }
  };
}

/** As `flood` with SYNs, but the attacker has somebody outside who answers. */
function establish(bench: GatewayBench, attackers: readonly string[], flows: number): () => void {
  flood(bench, attackers, syn, 0);
  let number = 0;
  return () => {
    for (let i = 0; i < flows / STEPS; i++, number++) {
      const host = attackers[number % attackers.length] as string;
      const port = 1024 + (Math.floor(number / attackers.length) % 60_000);
      const client = { ...ends(host), sourcePort: port, destinationPort: 80 };
      bench.wan();
      bench.fromLan(tcpFrame({ ...client, sequence: 1 }));
      const [sent] = bench.wan();
      if (sent === undefined) continue;
      const server = { ...between(W1_ADDRESS, WAN_ADDRESS), sourcePort: 80 };
      const destinationPort = decodeTcp(sent.subarray(14)).sourcePort;
      bench.fromWan(tcpFrame({ ...server, destinationPort, sequence: 7, acknowledgement: 2, flags: "SYN ACK" }));
      bench.fromLan(tcpFrame({ ...client, sequence: 2, acknowledgement: 8, flags: "ACK" }));
    }
  };
}

/** What the household gets in that time, when nothing is lost. */
function expectNothingLost(household: Household, seconds: number, lookupsPerSecond = 1): void {
  expect(household.lost).toEqual([]);
  expect(household.answered).toBe(HOSTS.length * seconds * (4 + lookupsPerSecond + 1));
  expect(household.opened).toBe(HOSTS.length * seconds);
}

describe("five hosts lose nothing", () => {
  const floods: readonly (readonly [string, Opening])[] = [
    ["datagrams from new ports", fromNewPort],
    ["datagrams to new ports", toNewPort],
    ["SYNs", syn],
    ["pings", ping],
    ["flows of all kinds", ofAllKinds],
  ];
  const floodsOf = (attackers: number) => floods.map(([what, opening]) => ({ attackers, what, opening }));

  it(
    "while one host opens 100,000 flows of all kinds",
    () => {
      const bench = new GatewayBench();
      const household = new Household(bench, HOSTS);
      household.run(ATTACK_MS, flood(bench, ATTACKERS.slice(0, 1), ofAllKinds, 100_000));
      expectNothingLost(household, ATTACK_MS / 1000);
    },
    TIMEOUT_MS,
  );

  for (const { attackers, what, opening } of [...floodsOf(1), ...floodsOf(2), ...floodsOf(4)]) {
    it(
      `while ${attackers} open 30,000 by ${what}`,
      () => {
        const bench = new GatewayBench();
        const household = new Household(bench, HOSTS);
        household.run(ATTACK_MS, flood(bench, ATTACKERS.slice(0, attackers), opening, 30_000));
        expectNothingLost(household, ATTACK_MS / 1000);
      },
      TIMEOUT_MS,
    );
  }

  for (const attackers of [1, 2, 4]) {
    it(
      `while ${attackers} open 30,000 TCP connections that somebody outside establishes`,
      () => {
        const bench = new GatewayBench();
        const household = new Household(bench, HOSTS);
        household.run(ATTACK_MS, establish(bench, ATTACKERS.slice(0, attackers), 30_000));
        expectNothingLost(household, ATTACK_MS / 1000);
      },
      TIMEOUT_MS,
    );
  }
});

describe("with senders forged across the whole LAN", () => {
  it("nothing that is open is lost, nor any answer; but who opens something new has to try more than once", () => {
    const bench = new GatewayBench();
    const household = new Household(bench, HOSTS);
    const forged = Array.from({ length: 230 }, (_, i) => `192.168.1.${i + 25}`);
    let number = 0;
    household.run(10_000, () => {
      for (let i = 0; i < 30; i++, number++) {
        const host = forged[number % forged.length] as string;
        bench.fromLan(ofAllKinds(host, Math.floor(number / forged.length)));
      }
    });
    const refused = household.lost.filter((one) => /^(SYN|query|ping) of .*"natRateLimited":1/.test(one));
    expect(household.lost).toEqual(refused);
    // Of 3,000 a second the rate of all hosts lets 1,000 pass.
    expect(refused.length).toBeGreaterThan(0);
    const seconds = 10;
    expect(household.answered).toBeGreaterThan(HOSTS.length * seconds * 4);
  }, 60_000);
});

describe("a flood of SYNs from everywhere to a forward", () => {
  const PORT = 25565;
  const SERVER = "192.168.1.50";

  it("leaves what is established alone, and new connections through the forward and outwards", () => {
    const bench = new GatewayBench();
    const ports = { first: PORT, last: PORT };
    const insideAddress = ip(SERVER);
    expect(bench.gateway.nat.forwards.add({ protocol: "tcp", ports, insideAddress, insidePort: PORT })).toBeUndefined();
    const household = new Household(bench, HOSTS);
    let callers = 0;
    let admitted = 0;
    const due: { at: number; run(): void }[] = [];
    const passes = (frame: Uint8Array, side: "lan" | "wan") => {
      bench.clear();
      if (side === "lan") bench.fromWan(frame);
      else bench.fromLan(frame);
      return (side === "lan" ? bench.lan() : bench.wan()).length === 1;
    };
    /** A genuine caller with a round trip of 40 ms. */
    const call = (number: number) => {
      const ends = between(`198.51.100.${1 + (number % 200)}`, WAN_ADDRESS);
      const caller = { ...ends, sourcePort: 30_000 + number, destinationPort: PORT };
      const back = { ...between(SERVER, ends.source), sourcePort: PORT, destinationPort: 30_000 + number };
      callers++;
      if (!passes(tcpFrame({ ...caller, sequence: 1 }), "lan")) return;
      if (!passes(tcpFrame({ ...back, sequence: 7, acknowledgement: 2, flags: "SYN ACK" }), "wan")) return;
      due.push({
        at: bench.now + 40,
        run: () => {
          if (!passes(tcpFrame({ ...caller, sequence: 2, acknowledgement: 8, flags: "ACK" }), "lan")) return;
          const known = bench.gateway.nat.sessions().find((one) => one.remotePort === caller.sourcePort);
          if (known?.state === "ESTABLISHED") admitted++;
        },
      });
    };
    let forged = 0;
    household.run(10_000, () => {
      while (due[0] !== undefined && due[0].at <= bench.now) due.shift()?.run();
      for (let i = 0; i < 10; i++, forged++) {
        const source = `${20 + (forged % 100)}.${forged & 255}.${(forged >> 8) & 255}.7`;
        bench.fromWan(
          tcpFrame({ ...between(source, WAN_ADDRESS), sourcePort: 1024 + (forged % 60_000), destinationPort: PORT }),
        );
      }
      if (forged % 500 === 0 && callers < 19) call(callers);
    });
    expectNothingLost(household, 10);
    expect([callers, admitted]).toEqual([19, 19]);
  }, 60_000);
});
