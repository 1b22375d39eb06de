import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { Clock } from "../../src/core/clock.js";
import { Decision } from "../../src/nat/decision.js";
import { Account, Held, Hosts } from "../../src/nat/hosts.js";
import { Forwarded, Mappings } from "../../src/nat/mappings.js";
import { DEFAULT_NAT_SETTINGS, type NatSettings } from "../../src/nat/settings.js";
import { PortSpace } from "../../src/transport/portSpace.js";
import { longestChain, withWords } from "./support/chains.js";

/** Hosts of a table of 1024 sessions and 512 mappings; `open` tries to open a session, and tells whether it may. */
function hostsAt(settings: Partial<NatSettings> = {}) {
  const clock = new Clock();
  const hosts = new Hosts(clock, 1024, 512, { ...DEFAULT_NAT_SETTINGS, ...settings });
  const decision = new Decision();
  const open = (account: number): boolean => {
    decision.account = account;
    if (hosts.judge(decision) !== "ok") return false;
    hosts.opened(account, 0);
    // It ends at once: what is held is not what is tested.
    hosts.add(account, -1);
    return true;
  };
  const openMany = (account: number, tries: number): number => {
    let opened = 0;
    for (let i = 0; i < tries; i++) if (open(account)) opened++;
    return opened;
  };
  return { clock, hosts, open, openMany };
}

describe("rates", () => {
  it("grant a host a burst, then so many a second as they say, whatever the time of the wrap", () => {
    for (const start of [0, 1e6, 2 ** 31 / 64 - 700, 1e10 + 0.5]) {
      const { clock, openMany } = hostsAt({ hostRate: 200, totalRate: 0 });
      clock.now = start;
      expect(openMany(10, 2000)).toBe(512);
      clock.now += 1000;
      expect(openMany(10, 2000)).toBe(200);
      clock.now += 3_600_000;
      expect(openMany(10, 2000)).toBe(512);
    }
  });

  it("keep hosts and callers apart", () => {
    const { openMany } = hostsAt({ totalRate: 0 });
    expect([openMany(10, 2000), openMany(11, 2000), openMany(Account.CALLERS, 2000)]).toEqual([512, 512, 256]);
  });

  it("of all hosts leave half of a burst to those that hold little", () => {
    const { hosts, openMany } = hostsAt({ hostRate: 0, totalRate: 1000 });
    hosts.add(10, 64);
    expect(openMany(10, 5000)).toBe(512);
    expect(openMany(11, 5000)).toBe(512);
    expect(openMany(Account.CALLERS, 1)).toBe(1);
  });

  it("may be off, and changed at any time", () => {
    const { hosts, openMany } = hostsAt({ hostRate: 0, totalRate: 0, inboundRate: 0 });
    expect([openMany(10, 5000), openMany(Account.CALLERS, 5000)]).toEqual([5000, 5000]);
    hosts.configure({ ...DEFAULT_NAT_SETTINGS, hostRate: 1, totalRate: 0 });
    expect(openMany(10, 5000)).toBe(512);
    hosts.configure({ ...DEFAULT_NAT_SETTINGS, hostRate: 100_000, totalRate: 0 });
    expect(openMany(10, 1)).toBe(1);
  });

  it("are never exceeded over any time, by any pattern of tries", () => {
    const waits = fc.array(fc.record({ ms: fc.nat(3000), tries: fc.nat(900) }), { maxLength: 30 });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 5000 }), (list, rate) => {
        const { clock, openMany } = hostsAt({ hostRate: rate, totalRate: 0 });
        let opened = 0;
        for (const { ms, tries } of list) {
          clock.now += ms;
          opened += openMany(10, tries);
          // Intervals are rounded to 1/64 ms: at 5,000 a second by 2 %.
          expect(opened).toBeLessThanOrEqual(512 + (clock.now * rate * 1.04) / 1000 + 1);
        }
      }),
    );
  });
});

describe("what accounts hold", () => {
  it("is counted for each, sessions and mappings, with refusals up to 65,535", () => {
    const { hosts } = hostsAt();
    const model = new Map<number, number>();
    for (let i = 0; i < 3000; i++) {
      const account = (i * 7919) % 257;
      hosts.opened(account, i & 1 ? 0x10000 : 0);
      hosts.refused(account);
      model.set(account, (model.get(account) ?? 0) + 1 + (i & 1 ? 0x10000 : 0));
    }
    for (const [account, held] of model) {
      expect(hosts.held(account)).toBe(held);
      expect(hosts.refusals(account)).toBe(held & 0xffff);
    }
    for (let i = 0; i < 70_000; i++) hosts.refused(255);
    expect([hosts.refusals(255), hosts.refusals(254)]).toEqual([65_535, (model.get(254) as number) & 0xffff]);
  });
});

describe("the most that any account holds", () => {
  it("is what it was at the last survey, whoever asks, and when", () => {
    const { hosts } = hostsAt();
    hosts.add(10, 3 + 2 * Held.ONE_MAPPING);
    hosts.add(Account.CALLERS, 5);
    expect([hosts.mostSessions, hosts.mostMappings]).toEqual([0, 0]);
    hosts.survey();
    hosts.add(11, 7 + 7 * Held.ONE_MAPPING);
    expect([hosts.mostSessions, hosts.mostMappings]).toEqual([5, 2]);
    hosts.survey();
    expect([hosts.mostSessions, hosts.mostMappings]).toEqual([7, 7]);
  });
});

describe("hash of the mappings", () => {
  it("lets nobody choose ports and addresses that share a chain: a search reads few words, whatever differs", () => {
    for (let seed = 1; seed <= 5; seed++) {
      for (let firstBit = 0; firstBit <= 16; firstBit++) {
        const random = new SeededRandom(seed);
        const ports = new PortSpace(random, 600, 2);
        const { made: mappings, words, heads } = withWords(() => new Mappings(ports, random, 512));
        for (let i = 0; i < 512; i++) {
          // The address's bits and the port's set off against each other, as one product over both had it.
          const address = 0x0a000000 | (i & 255) | ((i << firstBit) & 0xffff00);
          mappings.find(17, address, (5000 ^ (address >> 8) ^ i) & 0xffff, Forwarded.DYNAMIC);
          mappings.create(1024 + i, false);
        }
        // The next of a chain stands in the upper 13 bits of each mapping's third word.
        expect(longestChain(heads, (index) => (words[index * 3 + 2] as number) >> 19)).toBeLessThan(24);
      }
    }
  });
});
