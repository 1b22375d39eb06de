/** Who fills the NAT's tables, as people read it. Not for the packet path. */
import type { FlowTable } from "../flow/table.js";
import { Account, type Hosts } from "./hosts.js";
import { List } from "./list.js";
import type { Sessions } from "./sessions.js";

/** What `show top` prints of an account. */
export interface HostUse {
  /** Of the LAN host; 0 for all callers from outside, and where only refusals are known of the host. */
  address: number;
  readonly isCallers: boolean;
  /** The low byte of the address, by which hosts are told apart. */
  readonly account: number;
  /** More than one host is on this account. */
  isShared: boolean;
  readonly sessions: number;
  readonly mappings: number;
  readonly refusals: number;
  established: number;
  halfOpen: number;
  udp: number;
  icmp: number;
}

/** The `most` accounts that hold the most sessions, or were refused the most; in this order. */
export function listHostUse(hosts: Hosts, sessions: Sessions, flows: FlowTable, most: number): HostUse[] {
  const list: HostUse[] = [];
  for (let account = 0; account <= Account.CALLERS; account++) {
    const held = hosts.held(account);
    const refusals = hosts.refusals(account);
    if (held === 0 && refusals === 0) continue;
    const last = list[list.length - 1];
    const isLess = last !== undefined && isBefore(last, held & 0xffff, refusals);
    if (list.length >= most && isLess) continue;
    list.push({
      address: 0,
      isCallers: account === Account.CALLERS,
      account,
      isShared: false,
      sessions: held & 0xffff,
      mappings: held >>> 16,
      refusals,
      established: 0,
      halfOpen: 0,
      udp: 0,
      icmp: 0,
    });
    list.sort((a, b) => b.sessions - a.sessions || b.refusals - a.refusals);
    if (list.length > most) list.pop();
  }
  for (let index = 0; index < flows.capacity; index++) {
    if (!flows.isUsed(index)) continue;
    const account = sessions.account(index);
    const use = list.find((one) => one.account === account);
    if (use !== undefined) count(use, sessions.timerClass(index), flows.insideAddress(index));
  }
  return list;
}

function isBefore(one: HostUse, sessions: number, refusals: number): boolean {
  return one.sessions > sessions || (one.sessions === sessions && one.refusals >= refusals);
}

function count(use: HostUse, timerClass: number, insideAddress: number): void {
  if (timerClass === List.TCP_ESTABLISHED) use.established++;
  else if (timerClass === List.TCP_TRANSITORY) use.halfOpen++;
  else if (timerClass === List.ICMP) use.icmp++;
  else use.udp++;
  if (use.isCallers) return;
  if (use.address !== 0 && use.address !== insideAddress) use.isShared = true;
  use.address = insideAddress;
}
