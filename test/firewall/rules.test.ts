import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prefixContains } from "../../src/core/address.js";
import {
  ANY_PROTOCOL,
  ANY_ZONE,
  formatRule,
  parseRule,
  type Rule,
  type RuleHosts,
  ZONE_LAN,
  ZONE_SELF,
  ZONE_WAN,
} from "../../src/firewall/rule.js";
import { NO_RULE, Rules } from "../../src/firewall/rules.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../src/wire/ipv4.js";
import { ip } from "../support/stackFixture.js";
import { NO_EFFECTS, packet, rule } from "./arbitraries.js";

interface Ends {
  protocol: number;
  zoneIn: number;
  zoneOut: number;
  source: number;
  sourcePort: number;
  destination: number;
  destinationPort: number;
}

function rulesOf(...texts: string[]): Rules {
  const rules = new Rules(32, NO_EFFECTS);
  for (const text of texts) expect(rules.insert(rules.count, parseRule(text.split(" ")))).toBeUndefined();
  return rules;
}

const judge = (rules: Rules, p: Ends) =>
  rules.judge(p.protocol, p.zoneIn, p.zoneOut, p.source, p.sourcePort, p.destination, p.destinationPort);

const textsOf = (rules: Rules) => rules.list().map((one) => formatRule(one.rule));

/** What the text of a rule means, told once more and slowly. */
function fits(one: Rule, p: Ends): boolean {
  const hasPorts = p.protocol === PROTOCOL_TCP || p.protocol === PROTOCOL_UDP;
  const isIn = (hosts: RuleHosts, address: number, port: number) =>
    prefixContains(hosts, address) &&
    (hosts.firstPort === 0 || (hasPorts && port >= hosts.firstPort && port <= hosts.lastPort));
  return (
    [ANY_PROTOCOL, p.protocol].includes(one.protocol) &&
    [ANY_ZONE, p.zoneIn].includes(one.zoneIn) &&
    [ANY_ZONE, p.zoneOut].includes(one.zoneOut) &&
    isIn(one.from, p.source, p.sourcePort) &&
    isIn(one.to, p.destination, p.destinationPort)
  );
}

const TO_WEB: Ends = {
  protocol: PROTOCOL_TCP,
  zoneIn: ZONE_LAN,
  zoneOut: ZONE_WAN,
  source: ip("192.168.1.10"),
  sourcePort: 40000,
  destination: ip("198.51.100.80"),
  destinationPort: 443,
};

describe("the table of rules", () => {
  it("decides as the list read from top to bottom does", () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 12 }),
        fc.array(packet, { minLength: 1, maxLength: 20 }),
        (list, packets) => {
          const rules = new Rules(12, NO_EFFECTS);
          for (const one of list) rules.insert(rules.count, one);
          for (const one of packets) expect(judge(rules, one)).toBe(list.findIndex((each) => fits(each, one)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("has no opinion while it is empty", () => {
    expect(judge(rulesOf(), TO_WEB)).toBe(NO_RULE);
  });

  it("lets the first rule that fits decide, whatever comes behind it", () => {
    const rules = rulesOf("allow tcp to any:443", "deny tcp", "reject");
    expect(rules.verdict(judge(rules, TO_WEB))).toBe("ok");
    expect(rules.verdict(judge(rules, { ...TO_WEB, destinationPort: 80 }))).toBe("firewallDenied");
    expect(rules.verdict(judge(rules, { ...TO_WEB, protocol: PROTOCOL_UDP }))).toBe("firewallRejected");
  });

  it("takes ports for those of tcp and udp", () => {
    const rules = rulesOf("deny to any:443");
    expect(judge(rules, TO_WEB)).toBe(0);
    expect(judge(rules, { ...TO_WEB, protocol: PROTOCOL_UDP })).toBe(0);
    expect(judge(rules, { ...TO_WEB, protocol: PROTOCOL_ICMP })).toBe(NO_RULE);
  });

  it("knows the gateway itself from what goes through it", () => {
    const rules = rulesOf("allow to self:443", "deny out wan");
    expect(judge(rules, TO_WEB)).toBe(1);
    expect(judge(rules, { ...TO_WEB, zoneOut: ZONE_SELF })).toBe(0);
    expect(judge(rules, { ...TO_WEB, zoneOut: ZONE_LAN })).toBe(NO_RULE);
  });

  it("counts hits; of a logged rule it keeps the last one", () => {
    const rules = rulesOf("deny udp", "deny log tcp");
    for (const [index, port] of [
      [0, 3],
      [1, 4],
      [1, 5],
    ] as const) {
      rules.countHit(index, PROTOCOL_TCP, 1, 2, 3, port);
    }
    expect(rules.list()).toMatchObject([
      { hits: 1, last: undefined },
      { hits: 2, last: { protocol: PROTOCOL_TCP, source: 1, sourcePort: 2, destination: 3, destinationPort: 5 } },
    ]);
  });

  it("puts rules in, takes them out and moves them, with their hits", () => {
    const rules = rulesOf("allow tcp", "allow udp", "deny");
    rules.countHit(2, PROTOCOL_ICMP, 1, 0, 2, 0);
    expect(rules.insert(1, parseRule(["reject", "icmp"]))).toBeUndefined();
    expect(textsOf(rules)).toEqual(["allow tcp", "reject icmp", "allow udp", "deny"]);
    expect(rules.move(3, 0)).toBeUndefined();
    expect(textsOf(rules)).toEqual(["deny", "allow tcp", "reject icmp", "allow udp"]);
    expect(rules.remove(1)).toBeUndefined();
    expect(textsOf(rules)).toEqual(["deny", "reject icmp", "allow udp"]);
    expect(rules.list().map((one) => one.hits)).toEqual([1, 0, 0]);
    expect(rules.count).toBe(3);
  });

  it("finds a rule by what it says", () => {
    const rules = rulesOf("allow tcp", "deny");
    expect(rules.find(parseRule(["deny", "any"]))).toBe(1);
    expect(rules.find(parseRule(["deny", "log"]))).toBe(NO_RULE);
  });

  it("changes nothing where a place does not exist, or when it is full", () => {
    const rules = new Rules(2, NO_EFFECTS);
    const one = parseRule(["deny"]);
    expect(rules.remove(0)).toBe("there is no rule 1; there are no rules");
    expect(rules.insert(1, one)).toBe("there is no place 2 for a rule; use 1");
    rules.insert(0, one);
    rules.insert(0, one);
    expect(rules.insert(0, one)).toBe("all 2 rules are in use; remove one first");
    expect(rules.move(0, 2)).toBe("there is no rule 3; use 1 to 2");
    expect(rules.move(-1, 0)).toBe("there is no rule 0; use 1 to 2");
    expect(rules.remove(2)).toBe("there is no rule 3; use 1 to 2");
    expect(rules.count).toBe(2);
  });
});
