import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRule, parseRule } from "../../src/firewall/rule.js";
import { rule } from "./arbitraries.js";

const parse = (text: string) => parseRule(text.split(" ").filter((word) => word !== ""));

describe("a rule's text", () => {
  it("is read and written as each other's inverse", () => {
    fc.assert(
      fc.property(rule, (one) => {
        expect(parse(formatRule(one))).toEqual(one);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    "allow",
    "deny log",
    "reject tcp",
    "allow tcp from 198.51.100.0/24 to self:2323 in wan",
    "deny udp to any:53 in lan",
    "deny log tcp from 192.168.1.50 to any:80-443 out wan",
    "deny from any:1-1023 to 10.0.0.0/8",
    "allow icmp to self",
    "reject to 0.0.0.0/1 out lan",
  ])("stays as it is when it is in order: %s", (text) => {
    expect(formatRule(parse(text))).toBe(text);
  });

  it.each([
    ["DENY Log TCP From ANY To Self:25 In WAN", "deny log tcp to self:25 in wan"],
    ["allow any from any to any", "allow"],
    ["allow from 0.0.0.0/0 to 1.2.3.4/32", "allow to 1.2.3.4"],
    ["deny tcp to any:80-80", "deny tcp to any:80"],
  ])("is written in one form: %s", (text, expected) => {
    expect(formatRule(parse(text))).toBe(expected);
  });

  it.each([
    ["", "a rule begins with allow, deny or reject"],
    ["permit tcp", "a rule begins with allow, deny or reject"],
    ["deny tcp log", '"log" does not belong there'],
    ["deny to 1.2.3.4 from 1.2.3.4", '"from" does not belong there'],
    ["deny sctp", '"sctp" does not belong there'],
    ["deny from", '"from" needs hosts next'],
    ["deny to", '"to" needs hosts next'],
    ["deny from self", '"self" stands behind "to" only'],
    ["deny to self out wan", 'what goes "to self" leaves by no side'],
    ["deny in", '"in" needs lan or wan next'],
    ["deny out dmz", '"out" needs lan or wan next'],
    ["deny in wan out lan", '"out" does not belong there'],
    ["deny from 10.0.0.1/8", "the network is 10.0.0.0/8"],
    ["deny from 10.0.0.0/33", '"10.0.0.0/33" names no hosts'],
    ["deny from :80", '":80" names no hosts'],
    ["deny tcp to any:0", '"0" is neither a port nor a range of ports'],
    ["deny tcp to any:80-25", '"80-25" is neither a port nor a range of ports'],
    ["deny tcp to any:1-65536", '"1-65536" is neither a port'],
    ["deny tcp to any:", '"" is neither a port'],
    ["deny icmp to self:8", "icmp has no ports"],
  ])("is refused with one sentence: %s", (text, sentence) => {
    expect(() => parse(text)).toThrow(sentence);
    try {
      parse(text);
    } catch (error) {
      expect((error as Error).message).not.toMatch(/\n|\.$/);
    }
  });
});
