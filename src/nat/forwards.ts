/**
 * Port forwards: ports of the WAN address that lead to an inside host whoever calls, for as long as the administrator
 * wants. They own their ports in the port space, so nothing else can take them.
 */
import { formatAddress, formatPrefix, isUnicastSource, type Prefix, prefixContains } from "../core/address.js";
import type { PortClaim, PortOwnerKind, PortRange, PortSpace } from "../transport/portSpace.js";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";

export type ForwardProtocol = "tcp" | "udp" | "both";

/** What an administrator asks for. */
export interface ForwardSpec {
  readonly protocol: ForwardProtocol;
  /** The external ports. */
  readonly ports: PortRange;
  readonly insideAddress: number;
  /** Where the first external port leads to; the others follow in order. */
  readonly insidePort: number;
  /** The only remote hosts admitted; all if absent. */
  readonly source?: Prefix | undefined;
}

export interface Forward extends ForwardSpec {
  /** Its place in the table. */
  readonly id: number;
  readonly isEnabled: boolean;
  /** Sessions that it has admitted. */
  readonly hits: number;
}

/** What a forward does to the sessions there are. */
export interface ForwardEffects {
  /** A dynamic mapping must give up its port. */
  endMapping(mapping: number): void;
  /** The forward's own sessions must end. */
  endForward(id: number): void;
}

class Entry implements Forward {
  readonly id: number;
  readonly protocol: ForwardProtocol;
  readonly ports: PortRange;
  readonly insideAddress: number;
  readonly insidePort: number;
  readonly source: Prefix | undefined;
  isEnabled = true;
  hits = 0;

  constructor(id: number, spec: ForwardSpec) {
    this.id = id;
    this.protocol = spec.protocol;
    this.ports = spec.ports;
    this.insideAddress = spec.insideAddress;
    this.insidePort = spec.insidePort;
    this.source = spec.source;
  }
}

export class Forwards {
  readonly #portSpace: PortSpace;
  readonly #effects: ForwardEffects;
  readonly #entries: (Entry | undefined)[] = [];
  /** Forwards in use, enabled or not. */
  count = 0;

  /** The port space needs room for two ranges of each of the `capacity` forwards. */
  constructor(portSpace: PortSpace, capacity: number, effects: ForwardEffects) {
    this.#portSpace = portSpace;
    this.#effects = effects;
    for (let id = 0; id < capacity; id++) this.#entries.push(undefined);
  }

  /**
   * Adds a forward; what stands against it, in one sentence, if it cannot be: then nothing has changed. A port that a
   * dynamic mapping happens to use is taken from it, because the administrator's word counts more than an inside host's
   * luck.
   */
  add(spec: ForwardSpec): string | undefined {
    const problem = this.problemOf(spec);
    if (problem !== undefined) return problem;
    const id = this.#entries.indexOf(undefined);
    if (id < 0) return `all ${this.#entries.length} forwards are in use; remove one first`;
    for (const protocol of protocolsOf(spec.protocol)) {
      this.endMappings(protocol, spec.ports);
      if (this.#portSpace.claimRange(protocol, spec.ports, "forward", id)) continue;
      // Only a port space that was made too small gets here.
      for (const claimed of protocolsOf(spec.protocol)) {
        if (claimed !== protocol) this.#portSpace.releaseRange(claimed, spec.ports);
        else break;
      }
      return "the port registry is full; remove a forward first";
    }
    this.#entries[id] = new Entry(id, spec);
    this.count++;
    return undefined;
  }

  /** Removes a forward and ends its sessions. */
  remove(id: number): void {
    const entry = this.#entries[id];
    if (entry === undefined) return;
    this.#effects.endForward(id);
    for (const protocol of protocolsOf(entry.protocol)) this.#portSpace.releaseRange(protocol, entry.ports);
    this.#entries[id] = undefined;
    this.count--;
  }

  /** Switches a forward on or off; it keeps its ports, but its sessions end when it is switched off. */
  setEnabled(id: number, isEnabled: boolean): void {
    const entry = this.#entries[id];
    if (entry === undefined || entry.isEnabled === isEnabled) return;
    entry.isEnabled = isEnabled;
    if (!isEnabled) this.#effects.endForward(id);
  }

  get(id: number): Forward | undefined {
    return this.#entries[id];
  }

  /** The forward of exactly this protocol whose external ports begin with `port`; "both" is a protocol of its own here. */
  find(protocol: ForwardProtocol, port: number): Forward | undefined {
    return this.list().find((forward) => forward.protocol === protocol && forward.ports.first === port);
  }

  list(): Forward[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  /** Where an external port of forward `id` leads to. */
  insidePort(id: number, externalPort: number): number {
    const entry = this.#entries[id] as Entry;
    return externalPort - entry.ports.first + entry.insidePort;
  }

  admits(id: number, source: number): boolean {
    const prefix = (this.#entries[id] as Entry).source;
    return prefix === undefined || prefixContains(prefix, source);
  }

  countHit(id: number): void {
    (this.#entries[id] as Entry).hits++;
  }

  /** The enabled forward that leads to this inside endpoint; -1 for none. */
  serving(protocol: number, insideAddress: number, insidePort: number): number {
    let left = this.count;
    for (let id = 0; left > 0; id++) {
      const entry = this.#entries[id];
      if (entry === undefined) continue;
      left--;
      if (!entry.isEnabled || entry.insideAddress !== insideAddress) continue;
      const offset = insidePort - entry.insidePort;
      if (offset < 0 || offset > entry.ports.last - entry.ports.first) continue;
      if (carries(entry.protocol, protocol)) return id;
    }
    return -1;
  }

  /** The external port by which a forward that serves this inside port is reached. */
  externalPort(id: number, insidePort: number): number {
    const entry = this.#entries[id] as Entry;
    return insidePort - entry.insidePort + entry.ports.first;
  }

  private problemOf(spec: ForwardSpec): string | undefined {
    const { first, last } = spec.ports;
    if (first < 1 || last > 65535 || first > last) return `${first}-${last} is not a range within ports 1 to 65535`;
    const lastInside = spec.insidePort + last - first;
    if (spec.insidePort < 1 || lastInside > 65535) {
      return `the inside ports ${spec.insidePort}-${lastInside} are not within 1 to 65535; use ${65535 - last + first} or less for the first`;
    }
    if (!isUnicastSource(spec.insideAddress)) return `${formatAddress(spec.insideAddress)} is not a host's address`;
    for (const protocol of protocolsOf(spec.protocol)) {
      // The lowest port that is taken; a mapping gives way.
      const taken = this.claimsIn(protocol, spec.ports)
        .filter((claim) => claim.kind !== "mapping")
        .sort((one, other) => one.range.first - other.range.first)[0];
      if (taken !== undefined) return this.conflict(protocol, Math.max(taken.range.first, first), taken.kind);
    }
    return undefined;
  }

  private conflict(protocol: number, port: number, kind: PortOwnerKind): string {
    const taken = `${protocol === PROTOCOL_TCP ? "tcp" : "udp"} port ${port} is taken by`;
    const owner = this.get(this.#portSpace.ownerId(protocol, port));
    if (kind !== "forward" || owner === undefined) return `${taken} a ${kind} of Porter itself; choose another port`;
    return `${taken} the forward to ${formatAddress(owner.insideAddress)}; remove that first, or choose another port`;
  }

  private endMappings(protocol: number, ports: PortRange): void {
    for (const claim of this.claimsIn(protocol, ports)) {
      if (claim.kind === "mapping") this.#effects.endMapping(claim.id);
    }
  }

  /** What is owned in a range: far fewer claims than a range may have ports. */
  private claimsIn(protocol: number, range: PortRange): PortClaim[] {
    return this.#portSpace.claims(protocol, range);
  }
}

/** The forward as the console takes it, after `forward add`. */
export function formatForward(forward: ForwardSpec): string {
  const { first, last } = forward.ports;
  const parts = [
    forward.protocol,
    first === last ? `${first}` : `${first}-${last}`,
    formatAddress(forward.insideAddress),
  ];
  if (forward.insidePort !== first) parts.push(`${forward.insidePort}`);
  if (forward.source !== undefined) parts.push(`from ${formatPrefix(forward.source)}`);
  return parts.join(" ");
}

function protocolsOf(protocol: ForwardProtocol): number[] {
  if (protocol === "both") return [PROTOCOL_TCP, PROTOCOL_UDP];
  return [protocol === "tcp" ? PROTOCOL_TCP : PROTOCOL_UDP];
}

function carries(forwarded: ForwardProtocol, protocol: number): boolean {
  if (protocol === PROTOCOL_TCP) return forwarded !== "udp";
  return protocol === PROTOCOL_UDP && forwarded !== "tcp";
}
