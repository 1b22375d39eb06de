/**
 * Sessions that go on after a planned restart: written just before it, and entered into the empty tables after it. Remote
 * hosts go on talking to the external port that they know, so each session comes back with its own or not at all.
 *
 * Format, in words of 32 bits, most significant byte first: "PKS" and a version, our address on the WAN, a CRC-32 of all
 * that follows; then six words a session, see `SESSION_BYTES`.
 */
import { addToCrc32 } from "../core/crc32.js";
import { LAN, WAN } from "../flow/table.js";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import { Account, Held } from "./hosts.js";
import type { NatTables } from "./judge.js";
import { List } from "./list.js";
import { Forwarded } from "./mappings.js";
import { CALLED, isSettled } from "./tcpState.js";

/** Another version's tables may mean something else by the same bits. */
const SIGNATURE = 0x504b5301;
const HEADER_BYTES = 12;
/**
 * Inside address; remote address; inside and external port; remote port, window scales of both sides (4 bits each) and the
 * TCP state, or UDP_MARK with the state and the list of a session of datagrams; the last acknowledgement numbers of inside
 * and outside.
 */
const SESSION_BYTES = 24;
/** No TCP state has this bit. */
const UDP_MARK = 0x80;
const UDP_LISTS = List.EXCESS | List.UNPROVEN;

/**
 * As many sessions as `mostBytes` hold: TCP connections that are established first, then UDP, answered first. Those that open
 * or close and queries are as quickly begun again.
 */
export function keepSessions(tables: NatTables, mostBytes: number): Uint8Array {
  const { flows, sessions } = tables;
  const chosen: number[] = [];
  const most = Math.floor((mostBytes - HEADER_BYTES) / SESSION_BYTES);
  for (const wanted of [List.TCP_ESTABLISHED, List.UDP, List.UDP | List.UNPROVEN]) {
    for (let index = 0; index < flows.capacity && chosen.length < most; index++) {
      if (!flows.isUsed(index) || (sessions.list(index) & ~List.EXCESS) !== wanted) continue;
      if (sessions.isLiving(index)) chosen.push(index);
    }
  }
  const bytes = new Uint8Array(HEADER_BYTES + chosen.length * SESSION_BYTES);
  const view = new DataView(bytes.buffer);
  let at = HEADER_BYTES;
  for (const session of chosen) {
    writeSession(view, at, session, tables);
    at += SESSION_BYTES;
  }
  view.setInt32(0, SIGNATURE);
  view.setInt32(4, flows.externalAddress);
  view.setInt32(8, checksum(bytes));
  return bytes;
}

/**
 * Enters what `keepSessions` wrote, as if each session had had a packet just now; returns how many there are. None when the
 * bytes are not whole, or of another address of ours; and none of those that today's settings have no place for: an inside
 * host that `isInside` denies, an external port that somebody else has by now.
 */
export function restoreSessions(tables: NatTables, bytes: Uint8Array, isInside: (address: number) => boolean): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole = bytes.length >= HEADER_BYTES && (bytes.length - HEADER_BYTES) % SESSION_BYTES === 0;
  if (!isWhole || view.getInt32(0) !== SIGNATURE || view.getInt32(8) !== checksum(bytes)) return 0;
  const address = view.getInt32(4);
  if (address === 0 || address !== tables.flows.externalAddress) return 0;
  let count = 0;
  for (let at = HEADER_BYTES; at < bytes.length; at += SESSION_BYTES) {
    if (isInside(view.getInt32(at)) && restoreSession(view, at, tables)) count++;
  }
  return count;
}

function writeSession(view: DataView, at: number, session: number, { flows, sessions }: NatTables): void {
  const isTcp = flows.protocol(session) === PROTOCOL_TCP;
  view.setInt32(at, flows.insideAddress(session));
  view.setInt32(at + 4, flows.remoteAddress(session));
  view.setUint16(at + 8, flows.insidePort(session));
  view.setUint16(at + 10, flows.externalPort(session));
  view.setUint16(at + 12, flows.remotePort(session));
  if (!isTcp) {
    view.setUint8(at + 15, UDP_MARK | sessions.tcpState(session) | sessions.list(session));
    return;
  }
  view.setUint8(at + 14, sessions.windowScale(session, true) | (sessions.windowScale(session, false) << 4));
  view.setUint8(at + 15, sessions.tcpState(session));
  view.setInt32(at + 16, flows.ack(session, LAN));
  view.setInt32(at + 20, flows.ack(session, WAN));
}

function restoreSession(view: DataView, at: number, tables: NatTables): boolean {
  const { flows, sessions, hosts } = tables;
  const inside = view.getInt32(at);
  const remote = view.getInt32(at + 4);
  const insidePort = view.getUint16(at + 8);
  const externalPort = view.getUint16(at + 10);
  const remotePort = view.getUint16(at + 12);
  const state = view.getUint8(at + 15);
  const isTcp = (state & UDP_MARK) === 0;
  const protocol = isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
  const isTaken =
    flows.findInbound(protocol, remote, remotePort, externalPort) >= 0 ||
    flows.findOutbound(protocol, inside, insidePort, remote, remotePort) >= 0;
  if (isTaken || externalPort === 0 || !flows.hasRoom()) return false;
  const mapping = restoreMapping(tables, protocol, inside, insidePort, externalPort);
  if (mapping < 0) return false;
  const session = sessions.open(
    mapping,
    externalPort,
    remote,
    isTcp ? List.TCP_ESTABLISHED : List.UDP | (state & UDP_LISTS),
    isTcp ? state : state & CALLED,
  );
  hosts.add(sessions.account(session), 1);
  if (!isTcp) return true;
  const scales = view.getUint8(at + 14);
  sessions.setWindowScale(session, true, scales & 15);
  sessions.setWindowScale(session, false, scales >> 4);
  flows.setAck(session, LAN, view.getInt32(at + 16));
  flows.setAck(session, WAN, view.getInt32(at + 20));
  flows.setSettled(session, isSettled(state));
  return true;
}

/** The mapping of an inside endpoint on this external port, with one session more; -1 if it cannot be had. */
function restoreMapping(
  { mappings, forwards, hosts }: NatTables,
  protocol: number,
  inside: number,
  insidePort: number,
  externalPort: number,
): number {
  const forward = forwards.serving(protocol, inside, insidePort);
  const forwarded = forward === Forwarded.DYNAMIC ? Forwarded.DYNAMIC : forwards.externalPort(forward, insidePort);
  const mapping = mappings.find(protocol, inside, insidePort, forwarded);
  if (mapping >= 0) {
    if (mappings.externalPort(mapping) !== externalPort) return -1;
    mappings.addSession(mapping);
    return mapping;
  }
  if (mappings.isFull) return -1;
  if (forward === Forwarded.DYNAMIC ? !mappings.claim(externalPort) : forwarded !== externalPort) return -1;
  hosts.add(forward === Forwarded.DYNAMIC ? inside & Account.BITS : Account.CALLERS, Held.ONE_MAPPING);
  return mappings.create(externalPort, forward !== Forwarded.DYNAMIC);
}

/** Of all behind the checksum itself, and of the address in front of it. */
function checksum(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 4; at < bytes.length; at++)
    if (at < 8 || at >= HEADER_BYTES) crc = addToCrc32(crc, bytes[at] as number);
  return ~crc;
}
