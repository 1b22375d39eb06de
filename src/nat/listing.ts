/** The NAT's tables as people read them. Not for the packet path. */
import type { FlowTable } from "../flow/table.js";
import { PROTOCOL_TCP } from "../wire/ipv4.js";
import type { Mappings } from "./mappings.js";
import type { Sessions } from "./sessions.js";
import { tcpStateName } from "./tcpState.js";

/** What `show nat` prints of a mapping. */
export interface MappingInfo {
  readonly protocol: number;
  readonly insideAddress: number;
  /** A port, or an ICMP identifier. */
  readonly insidePort: number;
  readonly externalPort: number;
  readonly sessions: number;
  /** It belongs to a port forward. */
  readonly isStatic: boolean;
}

/** What `show sessions` prints of a session. */
export interface SessionInfo {
  readonly protocol: number;
  readonly insideAddress: number;
  readonly insidePort: number;
  readonly externalPort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  /** The state of RFC 7857 section 2 for TCP, "OPEN" for the others. */
  readonly state: string;
  readonly idleS: number;
  readonly expiresInS: number;
  /** The flow cache takes its packets. */
  readonly isCarried: boolean;
}

/** Says of a mapping or session whether it is to be listed: each takes a board's memory. */
export type Selection = (insideAddress: number, remoteAddress: number) => boolean;

/** Mappings have no remote address: it is 0. */
export function listMappings(mappings: Mappings, isWanted: Selection): MappingInfo[] {
  const list: MappingInfo[] = [];
  for (let index = 0; index < mappings.capacity; index++) {
    if (mappings.isUsed(index) && isWanted(mappings.insideAddress(index), 0)) list.push(mappingInfo(mappings, index));
  }
  return list;
}

export function mappingInfo(mappings: Mappings, index: number): MappingInfo {
  return {
    protocol: mappings.protocol(index),
    insideAddress: mappings.insideAddress(index),
    insidePort: mappings.insidePort(index),
    externalPort: mappings.externalPort(index),
    sessions: mappings.sessionCount(index),
    isStatic: mappings.isStatic(index),
  };
}

/** The sessions that have not expired. */
export function listSessions(sessions: Sessions, flows: FlowTable, isWanted: Selection): SessionInfo[] {
  const list: SessionInfo[] = [];
  for (let index = 0; index < flows.capacity; index++) {
    if (!flows.isUsed(index) || !sessions.isLiving(index)) continue;
    if (!isWanted(flows.insideAddress(index), flows.remoteAddress(index))) continue;
    list.push(sessionInfo(sessions, flows, index));
  }
  return list;
}

export function sessionInfo(sessions: Sessions, flows: FlowTable, index: number): SessionInfo {
  const protocol = flows.protocol(index);
  return {
    protocol,
    insideAddress: flows.insideAddress(index),
    insidePort: flows.insidePort(index),
    externalPort: flows.externalPort(index),
    remoteAddress: flows.remoteAddress(index),
    remotePort: flows.remotePort(index),
    state: protocol === PROTOCOL_TCP ? tcpStateName(sessions.tcpState(index)) : "OPEN",
    idleS: flows.tick - flows.lastSeen(index),
    expiresInS: sessions.secondsLeft(index),
    isCarried: flows.isCarried(index),
  };
}
