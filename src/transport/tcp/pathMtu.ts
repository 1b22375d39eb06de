/** Path MTU discovery (RFC 1191): a router said that our segments are too large for its next link. */

import { NEVER } from "../../core/clock.js";
import { MINIMUM_MTU_BYTES } from "../../link/interface.js";
import { IPV4_HEADER_BYTES } from "../../wire/ipv4.js";
import { TCP_HEADER_BYTES } from "../../wire/tcp.js";
import type { Connection } from "./connection.js";
import { ESTABLISHED } from "./state.js";

const HEADERS_BYTES = IPV4_HEADER_BYTES + TCP_HEADER_BYTES;

/** RFC 1191 section 7.1: the MTUs that are common, for routers that do not say theirs. */
const PLATEAUS_BYTES: readonly number[] = Object.freeze([1492, 1006, 508, 296, MINIMUM_MTU_BYTES]);

/** Sends smaller segments from now on, beginning with what is in flight. `mtuBytes` is 0 when the router did not say. */
export function lowerPathMtu(connection: Connection, mtuBytes: number): void {
  const current = connection.mssBytes + HEADERS_BYTES;
  const wanted = mtuBytes === 0 ? (PLATEAUS_BYTES.find((plateau) => plateau < current) ?? current) : mtuBytes;
  // RFC 1191 section 3: never below 68 bytes, and never up.
  const mtu = Math.max(wanted, MINIMUM_MTU_BYTES);
  if (mtu >= current) return;
  connection.mssBytes = mtu - HEADERS_BYTES;
  // A SYN carries no data to cut up; its timer sends it again.
  if (connection.state < ESTABLISHED) return;
  // The segment was not lost to congestion: it goes again at once, in smaller pieces.
  connection.roundTrip.cancel();
  connection.sndNxt = connection.sndUna;
  connection.retransmitAt = NEVER;
}
