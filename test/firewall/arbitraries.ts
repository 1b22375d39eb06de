/** Random rules and packets of a small world, so that they meet. */
import fc from "fast-check";
import { prefixMask } from "../../src/core/address.js";
import {
  ANY_PROTOCOL,
  ANY_ZONE,
  type Rule,
  type RuleHosts,
  ZONE_LAN,
  ZONE_SELF,
  ZONE_WAN,
} from "../../src/firewall/rule.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../src/wire/ipv4.js";

export const NO_EFFECTS = { rulesChanged: () => {}, stationsChanged: () => {} };

export const address = fc
  .tuple(
    fc.constantFrom(10, 192, 198, 255),
    fc.constantFrom(0, 168),
    fc.constantFrom(0, 1),
    fc.constantFrom(0, 1, 50, 255),
  )
  .map(([a, b, c, d]) => (a << 24) | (b << 16) | (c << 8) | d);
export const port = fc.constantFrom(1, 52, 53, 54, 80, 443, 65535);

const ports = fc.oneof(
  fc.constant({ firstPort: 0, lastPort: 0 }),
  fc.tuple(port, port).map(([a, b]) => ({ firstPort: Math.min(a, b), lastPort: Math.max(a, b) })),
);

const hosts: fc.Arbitrary<RuleHosts> = fc
  .tuple(address, fc.constantFrom(0, 1, 8, 16, 24, 31, 32), ports)
  .map(([one, length, range]) => ({ address: one & prefixMask(length), length, ...range }));

export const rule: fc.Arbitrary<Rule> = fc
  .record({
    action: fc.constantFrom("allow", "deny", "reject"),
    isLogged: fc.boolean(),
    protocol: fc.constantFrom(ANY_PROTOCOL, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP),
    from: hosts,
    to: hosts,
    side: fc.constantFrom("", "in", "out"),
    zone: fc.constantFrom(ZONE_LAN, ZONE_WAN),
    isToSelf: fc.boolean(),
  })
  .map(({ action, isLogged, protocol, from, to, side, zone, isToSelf }) => {
    const bare = ({ address: one, length }: RuleHosts) => ({ address: one, length, firstPort: 0, lastPort: 0 });
    const hasPorts = protocol !== PROTOCOL_ICMP;
    const wholeTo = isToSelf ? { ...to, address: 0, length: 0 } : to;
    return {
      action: action as Rule["action"],
      isLogged,
      protocol,
      from: hasPorts ? from : bare(from),
      to: hasPorts ? wholeTo : bare(wholeTo),
      zoneIn: side === "in" ? zone : ANY_ZONE,
      zoneOut: isToSelf ? ZONE_SELF : side === "out" ? zone : ANY_ZONE,
    };
  });

export const packet = fc.record({
  protocol: fc.constantFrom(PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP, 47),
  zoneIn: fc.constantFrom(ZONE_LAN, ZONE_WAN),
  zoneOut: fc.constantFrom(ZONE_LAN, ZONE_WAN, ZONE_SELF),
  source: address,
  sourcePort: port,
  destination: address,
  destinationPort: port,
});
