/**
 * Explains what the gateway would do with a packet, by asking the very functions that decide about real ones. Nothing
 * changes: they only read.
 */
import type { Verdict } from "../core/drops.js";
import type { Gateway } from "../gateway.js";
import { Decision } from "../nat/decision.js";
import { translateOutboundError } from "../nat/icmp.js";
import { setEndpoint } from "../nat/rewrite.js";
import type { PortRange, PortSpace } from "../transport/portSpace.js";
import { PROTOCOL_ICMP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { describePacket, endsOf, inwardEnds, outwardEnds } from "./ends.js";
import type { Explanation, Outcome, Step } from "./explanation.js";
import { judgeLocal } from "./local.js";
import { type Refused, remedyOf } from "./remedies.js";
import { isReached, stopOf } from "./stages.js";
import { ARRIVAL, type Case, SENDING, type StageTeller, sideName, TRANSLATION, tellReturn } from "./steps.js";

/**
 * What `Gateway.receive` would do with a packet that came in by its interface. `packet` is not the packet in hand, its frame
 * is its own, and both may be spoilt.
 */
export function explain(gateway: Gateway, packet: Packet): Explanation {
  const decision = new Decision();
  const verdict = gateway.judge(packet, decision);
  const one: Case = { gateway, packet, decision, stop: stopOf(verdict, decision.way), verdict };
  const head: Step = { name: "packet", text: `${describePacket(packet)}, from the ${sideName(packet.interfaceIndex)}` };
  const steps = [head, ...tell(ARRIVAL, one)];
  switch (decision.way) {
    case "none":
      return finish(one, steps, verdict, undefined);
    case "local": {
      if (verdict !== "ok") return finish(one, steps, verdict, undefined);
      const { text, verdict: answer } = judgeLocal(gateway, packet);
      return finish(one, [...steps, { name: "Porter", text }], answer, {
        ...endsOf(packet),
        side: "self",
        hasNewPort: false,
      });
    }
    case "outward": {
      steps.push(...tell(TRANSLATION, one), ...tell(SENDING, one));
      return finish(one, steps, verdict, verdict === "ok" ? outwardEnds(gateway, packet, decision) : undefined);
    }
    case "inward": {
      steps.push(...tell(TRANSLATION, one), ...tell(SENDING, one));
      return finish(one, steps, verdict, verdict === "ok" ? inwardEnds(gateway, packet, decision) : undefined);
    }
    case "back":
      steps.push(...tell(SENDING, one));
      return finish(one, steps, verdict, { ...endsOf(packet), side: "lan", hasNewPort: false });
    case "hairpin":
      steps.push(...tell(TRANSLATION, one));
      return verdict === "ok" ? explainReturn(one, steps) : finish(one, steps, verdict, undefined);
  }
}

/** The second half of a hairpin: the packet comes in as from outside. */
function explainReturn(first: Case, steps: Step[]): Explanation {
  const { gateway, packet } = first;
  const { nat, ports } = gateway;
  const seen = outwardEnds(gateway, packet, first.decision);
  packet.ttl--;
  if (packet.protocol === PROTOCOL_ICMP) {
    // Only errors come this way; a ping of the WAN address is answered at once.
    translateOutboundError(packet, first.decision.session, nat.flows);
  } else {
    // Who calls himself finds the session that he has just opened.
    const isHimself = first.decision.session < 0 && seen.sourcePort === packet.destinationPort;
    if (isHimself) return explainEcho(first, steps, seen);
    if (losesTarget(first)) {
      steps.push({ name: "hairpin", text: "back in, to a port whose mapping has made way" });
      return finish(first, steps, "wanUnsolicited", undefined);
    }
    setEndpoint(
      packet,
      true,
      seen.source,
      seen.hasNewPort ? freePort(nat.settings.ports, ports, packet) : seen.sourcePort,
    );
  }
  const decision = new Decision();
  decision.way = "hairpin";
  const verdict = gateway.judgeInward(packet, decision);
  const second: Case = { gateway, packet, decision, stop: stopOf(verdict, "hairpin"), verdict };
  const between: Step = { name: "hairpin", text: tellReturn(second, seen.hasNewPort) };
  steps.push(between, ...tell(TRANSLATION, second), ...tell(SENDING, second));
  const outcome = {
    ...inwardEnds(gateway, packet, decision),
    sourcePort: seen.sourcePort,
    hasNewPort: seen.hasNewPort,
  };
  return finish(second, steps, verdict, verdict === "ok" ? outcome : undefined);
}

/** Whether what makes way for a hairpin's way out is the mapping to which it would come back; then its port is nobody's. */
function losesTarget({ gateway: { nat, ports }, packet, decision }: Case): boolean {
  const { protocol, destinationPort } = packet;
  if (ports.ownerKind(protocol, destinationPort) !== "mapping" || nat.settings.dmzAddress !== 0) return false;
  const ofTarget = nat.sessions().filter((one) => one.protocol === protocol && one.externalPort === destinationPort);
  const { victim, halfOpenVictim, givesMapping } = decision;
  const isOfTarget = (session: number): boolean => {
    if (session < 0) return false;
    const { protocol: itsProtocol, externalPort: itsPort } = nat.session(session);
    return itsProtocol === protocol && itsPort === destinationPort;
  };
  if (isOfTarget(victim)) return givesMapping || ofTarget.length === 1;
  return isOfTarget(halfOpenVictim) && ofTarget.length === 1;
}

function explainEcho(one: Case, steps: Step[], seen: Outcome): Explanation {
  const { gateway, packet } = one;
  const { source, sourcePort } = packet;
  const verdict = gateway.neighbours.judge(gateway.lan, source);
  steps.push({ name: "hairpin", text: "back in, to the very endpoint that sends it" });
  return finish(one, steps, verdict, { ...seen, destination: source, destinationPort: sourcePort, side: "lan" });
}

/** Any port that nobody has stands for a new one. */
function freePort({ first, last }: PortRange, ports: PortSpace, { protocol }: Packet): number {
  for (let port = first; port < last; port++) if (ports.isFree(protocol, port)) return port;
  return last;
}

function tell(stages: readonly StageTeller[], one: Case): Step[] {
  return stages
    .filter(({ stage }) => isReached(stage, one.stop))
    .map((teller) => ({ name: teller.name, text: teller.tell(one) }))
    .filter(({ text }) => text !== "");
}

function finish(one: Case, steps: readonly Step[], verdict: Verdict, outcome: Outcome | undefined): Explanation {
  const remedy = verdict === "ok" ? "" : remedyOf(refusedOf(one), verdict);
  return { steps, verdict, outcome: verdict === "ok" ? outcome : undefined, remedy };
}

function refusedOf({ gateway, packet, decision }: Case): Refused {
  const { ports, nat } = gateway;
  const { protocol, destination, destinationPort } = packet;
  const owner = destination === gateway.wan.address ? ports.ownerKind(protocol, destinationPort) : undefined;
  const forward = owner === "forward" ? nat.forwards.get(ports.ownerId(protocol, destinationPort)) : undefined;
  return { packet, owner, forward, hasRule: decision.rule >= 0, wanAddress: gateway.wan.address };
}
