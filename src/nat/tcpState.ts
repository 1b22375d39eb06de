/**
 * What the NAT knows of a TCP connection that crosses it (RFC 7857 section 2).
 *
 * The state is a set of facts; the RFC's states are combinations of them. A connection counts as established only when
 * a segment from the side that began acknowledges the other side's SYN: so a flood of forged SYNs through a port forward
 * never takes an established connection's place.
 */
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../wire/tcp.js";
import { List } from "./list.js";

export const SYN_INSIDE = 1;
export const SYN_OUTSIDE = 2;
export const ESTABLISHED = 4;
const FIN_INSIDE = 8;
const FIN_OUTSIDE = 16;
export const RESET = 32;
/** The first SYN, or datagram, came from outside. */
const OPENED_OUTSIDE = 64;
/** The state of a session of datagrams that was called from outside; of the others it is 0. */
export const CALLED = OPENED_OUTSIDE;

const BOTH_SYNS = SYN_INSIDE | SYN_OUTSIDE;
const BOTH_FINS = FIN_INSIDE | FIN_OUTSIDE;

/** As RFC 7857 section 2 names them; "client" is the inside host. */
export type TcpStateName = "INIT" | "ESTABLISHED" | "C-FIN" | "S-FIN" | "C+S-FIN" | "TRANS";

export function tcpStateName(state: number): TcpStateName {
  if (state & RESET) return "TRANS";
  if ((state & BOTH_FINS) === BOTH_FINS) return "C+S-FIN";
  if (state & FIN_INSIDE) return "C-FIN";
  if (state & FIN_OUTSIDE) return "S-FIN";
  return state & ESTABLISHED ? "ESTABLISHED" : "INIT";
}

/** Nothing but data and acknowledgements is expected: the fast path may carry the connection. */
export function isSettled(state: number): boolean {
  return (state & (ESTABLISHED | RESET | BOTH_FINS)) === ESTABLISHED;
}

/** Over, as far as we know: a new SYN begins a new connection with the same endpoints. */
export function isClosed(state: number): boolean {
  return (state & RESET) !== 0 || (state & BOTH_FINS) === BOTH_FINS;
}

/** The conversation was begun from outside. */
export function isCalled(state: number): boolean {
  return (state & OPENED_OUTSIDE) !== 0;
}

/**
 * The list of connections in this state, each with a timeout of its own. One that a caller from outside began and has not
 * answered yet may be forged. A half-closed one is established (RFC 5382 REQ-5).
 */
export function listOf(state: number): number {
  if ((state & (OPENED_OUTSIDE | ESTABLISHED)) === OPENED_OUTSIDE) return List.CALLS;
  if (isClosed(state)) return List.TCP_CLOSING;
  return state & ESTABLISHED ? List.TCP_ESTABLISHED : List.TCP_TRANSITORY;
}

/** A SYN that opens a connection, as opposed to the answer to one. */
export function isOpening(flags: number): boolean {
  return (flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) === TCP_SYN;
}

/** The state of a connection that this SYN opens. */
export function openedState(isInside: boolean): number {
  return isInside ? SYN_INSIDE : SYN_OUTSIDE | OPENED_OUTSIDE;
}

/**
 * The state after a segment from the inside or the outside. `acknowledgesSyn`: it acknowledges the other side's SYN and
 * no more than what could follow. A reset has been validated.
 */
export function nextState(state: number, flags: number, isInside: boolean, acknowledgesSyn: boolean): number {
  if (flags & TCP_RST) return state | RESET;
  // RFC 7857 section 2.2: what follows a reset shows that the connection lives.
  let next = state & ~RESET;
  if (flags & TCP_SYN) return next | (isInside ? SYN_INSIDE : SYN_OUTSIDE);
  const isFromOpener = ((state & OPENED_OUTSIDE) === 0) === isInside;
  if ((next & BOTH_SYNS) === BOTH_SYNS && isFromOpener && acknowledgesSyn) next |= ESTABLISHED;
  if (flags & TCP_FIN) next |= isInside ? FIN_INSIDE : FIN_OUTSIDE;
  return next;
}
