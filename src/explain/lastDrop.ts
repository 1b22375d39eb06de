/** Tells of the packet that was dropped last what was known of it then: the tables may have changed since. */
import { type DropReason, isFrameReason } from "../core/drops.js";
import { formatDuration } from "../core/wording.js";
import { formatRule } from "../firewall/rule.js";
import type { Gateway } from "../gateway.js";
import { type Forward, formatForward } from "../nat/forwards.js";
import { protocolName } from "../nat/names.js";
import type { PortOwnerKind } from "../transport/portSpace.js";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { describePacket } from "./ends.js";
import type { Explanation } from "./explanation.js";
import { remedyOf } from "./remedies.js";
import { sideName, tellForward } from "./steps.js";

/** undefined when nothing has been dropped yet. */
export function explainLastDrop(gateway: Gateway): Explanation | undefined {
  const { drops, clock, droppedPacket: packet } = gateway;
  const verdict = drops.latest;
  if (verdict === "ok") return undefined;
  const ago = `${formatDuration((clock.now - drops.latestAtMs(clock.now)) / 1000)} ago`;
  if (packet === undefined) {
    const steps = [
      { name: "packet", text: describeUnread(gateway, verdict) },
      { name: "when", text: ago },
    ];
    return { steps, verdict, outcome: undefined, remedy: "" };
  }
  const refusal = gateway.refusal.isOfLatest(drops) ? gateway.refusal : undefined;
  const owner = refusal?.owner ?? ownOwner(gateway, packet, verdict);
  const forward = refusal?.forward;
  const rule = refusal?.rule;
  const kind = packet.isFragment ? "fragment" : "";
  const steps = [
    { name: "packet", text: `${describePacket(packet, kind)}, ${wayOf(packet, verdict)}` },
    { name: "when", text: ago },
    { name: "port", text: tellOwner(gateway, packet, verdict, owner, forward) },
    { name: "filter", text: verdict === "forwardSourceRefused" ? tellForward(forward) : "" },
    { name: "firewall", text: rule === undefined ? "" : `the rule: ${formatRule(rule)}` },
  ].filter(({ text }) => text !== "");
  const hasRule = rule !== undefined;
  const refused = { packet, owner, forward, hasRule, wanAddress: gateway.wan.address };
  return { steps, verdict, outcome: undefined, remedy: remedyOf(refused, verdict) };
}

/** A port of Porter's own, which it has for long: what is dropped there is not kept. */
function ownOwner({ ports }: Gateway, packet: Packet, verdict: DropReason): PortOwnerKind | undefined {
  if (verdict !== "wanUnsolicited") return undefined;
  const kind = ports.ownerKind(packet.protocol, packet.destinationPort);
  return kind === "socket" || kind === "listener" ? kind : undefined;
}

/** What was dropped where no packet is known. */
function describeUnread({ drops }: Gateway, verdict: DropReason): string {
  const index = drops.asideInterface;
  if (index === undefined || isFrameReason(verdict)) return "not read: the frame was dropped before";
  return index < 0 ? "a frame that got to neither side" : `not kept; it was on the ${sideName(index)}`;
}

function wayOf({ interfaceIndex }: Packet, verdict: DropReason): string {
  const side = sideName(interfaceIndex);
  return verdict === "neighbourUnresolved" ? `leaving by the ${side}` : `from the ${side}`;
}

function tellOwner(
  { wan }: Gateway,
  { protocol, destination, destinationPort }: Packet,
  verdict: DropReason,
  owner: PortOwnerKind | undefined,
  forward: Forward | undefined,
): string {
  if ((protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) || destinationPort === 0) return "";
  const port = `${protocolName(protocol)} ${destinationPort} belonged to`;
  if (owner === undefined) return verdict === "wanUnsolicited" && destination === wan.address ? `${port} nobody` : "";
  if (forward !== undefined) return `${port} the forward "${formatForward(forward)}"`;
  return owner === "mapping" ? `${port} a NAT mapping` : `${port} a ${owner} of Porter itself`;
}
