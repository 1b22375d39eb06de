/**
 * The states of a connection (RFC 9293 section 3.3.2).
 *
 *     CLOSED --connect--> SYN-SENT --SYN,ACK--------------------------> ESTABLISHED
 *     LISTEN --SYN------> SYN-RECEIVED --ACK of our SYN---------------> ESTABLISHED
 *     SYN-SENT --SYN (simultaneous open)--> SYN-RECEIVED
 *
 *     we close first:   ESTABLISHED -> FIN-WAIT-1 --ACK of FIN--> FIN-WAIT-2 --FIN--> TIME-WAIT -> CLOSED
 *     both at once:     FIN-WAIT-1 --FIN--> CLOSING --ACK of FIN--> TIME-WAIT
 *     peer closes first: ESTABLISHED --FIN--> CLOSE-WAIT --close--> LAST-ACK --ACK of FIN--> CLOSED
 *
 * The numbers are ordered so that "synchronised" (both sides know both sequence numbers) is `state >= ESTABLISHED`.
 */

export type TcpState = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

export const CLOSED = 0;
export const LISTEN = 1;
export const SYN_SENT = 2;
export const SYN_RECEIVED = 3;
export const ESTABLISHED = 4;
export const FIN_WAIT_1 = 5;
export const FIN_WAIT_2 = 6;
export const CLOSE_WAIT = 7;
export const CLOSING = 8;
export const LAST_ACK = 9;
export const TIME_WAIT = 10;

/** By state, as RFC 9293 spells them. */
export const STATE_NAMES = Object.freeze([
  "CLOSED",
  "LISTEN",
  "SYN-SENT",
  "SYN-RECEIVED",
  "ESTABLISHED",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "CLOSE-WAIT",
  "CLOSING",
  "LAST-ACK",
  "TIME-WAIT",
] as const);

export type TcpStateName = (typeof STATE_NAMES)[number];
