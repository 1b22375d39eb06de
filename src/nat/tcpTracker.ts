/**
 * Follows the TCP connections that cross the NAT: their state, their timer, and what a reset must look like.
 *
 * The flow table's `ack` of a side is the last acknowledgement number seen from it: the next sequence number that it expects
 * of the other side. The fast path stamps it, too, perhaps in another task. A packet that had to wait for the slow path may
 * be older than that stamp, so here a little less is never believed. A stamp under way when a connection ends may come after the SYN of
 * its successor in the same record: then a reset or FIN is judged by the wrong number until the side has acknowledged
 * again, and at worst the successor stays on the slow path. Until a side has acknowledged anything it is what that side has
 * to acknowledge: one more than the other side's SYN.
 */
import { type FlowTable, LAN, WAN } from "../flow/table.js";
import type { Packet } from "../wire/packet.js";
import {
  TCP_ACK,
  TCP_ACKNOWLEDGEMENT_OFFSET,
  TCP_FIN,
  TCP_HEADER_BYTES,
  TCP_RST,
  TCP_SEQUENCE_OFFSET,
  TCP_SYN,
  tcpHeaderBytes,
  tcpSequence,
} from "../wire/tcp.js";
import { INSIDE_SCALE_SHIFT, OUTSIDE_SCALE_SHIFT, type Sessions } from "./sessions.js";
import {
  ESTABLISHED,
  isClosed,
  isOpening,
  isSettled,
  nextState,
  openedState,
  RESET,
  SYN_INSIDE,
  SYN_OUTSIDE,
} from "./tcpState.js";

/** What a side may acknowledge while a packet waits for the slow path; a number further back is another connection's. */
const OVERTAKEN_BYTES = 0x1000000;
/** The largest window without a scale option (RFC 9293 section 3.1). */
const UNSCALED_WINDOW = 65535;
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_WINDOW_SCALE = 3;
/** RFC 7323 section 2.3. */
const MAX_SCALE = 14;

export class TcpTracker {
  readonly #flows: FlowTable;
  readonly #sessions: Sessions;

  constructor(flows: FlowTable, sessions: Sessions) {
    this.#flows = flows;
    this.#sessions = sessions;
  }

  /** Whether a reset from outside can belong to the connection. */
  admitsReset(session: number, packet: Packet, flags: number): boolean {
    const view = packet.frame.view;
    const at = packet.transportAt;
    const sequence = view.getInt32(at + TCP_SEQUENCE_OFFSET);
    const acknowledgement = view.getInt32(at + TCP_ACKNOWLEDGEMENT_OFFSET);
    return this.isResetInWindow(session, this.#sessions.tcpState(session), flags, sequence, acknowledgement);
  }

  /** Takes note of a segment of a session: one from inside, which is believed, or one from outside; a reset only if `admitsReset` says so. */
  track(session: number, packet: Packet, flags: number, isInside: boolean): void {
    const view = packet.frame.view;
    const at = packet.transportAt;
    const state = this.#sessions.tcpState(session);
    if (isOpening(flags) && isClosed(state)) {
      this.begin(session, packet, isInside);
      this.#sessions.beginWindowScales(session, isInside, offeredScale(view, at));
      this.#sessions.setTcpState(session, openedState(isInside));
      this.#flows.setSettled(session, false);
      return;
    }
    const acknowledgement = view.getInt32(at + TCP_ACKNOWLEDGEMENT_OFFSET);
    const sequence = view.getInt32(at + TCP_SEQUENCE_OFFSET);
    const own = isInside ? LAN : WAN;
    const other = isInside ? WAN : LAN;
    // RFC 7857 section 2.2: silence since the first reset ends the session.
    if (flags & TCP_RST && state & RESET) return;
    const isEstablished = (state & ESTABLISHED) !== 0;
    const hasOtherSyn = (state & (isInside ? SYN_OUTSIDE : SYN_INSIDE)) !== 0;
    const advance = (acknowledgement - this.#flows.ack(session, own)) | 0;
    const acknowledgesSyn = hasOtherSyn && (flags & TCP_ACK) !== 0 && advance >= 0 && advance <= UNSCALED_WINDOW;
    if (flags & TCP_SYN && !isEstablished) {
      this.#flows.setAck(session, other, (sequence + 1) | 0);
      this.#sessions.setWindowScale(session, isInside, offeredScale(view, at));
    }
    const isProgress = acknowledgesSyn || (isEstablished && (flags & TCP_ACK) !== 0);
    const isNews = advance > 0 || advance < -OVERTAKEN_BYTES;
    if (isProgress && isNews && !(flags & TCP_RST)) this.#flows.setAck(session, own, acknowledgement);
    const next = nextState(
      state,
      this.believedFlags(session, state, packet, flags, isInside),
      isInside,
      acknowledgesSyn,
    );
    this.#sessions.setTcpState(session, next);
    this.#flows.setSettled(session, isSettled(next));
  }

  /** What `Sessions.open` is to know of a SYN. */
  opened(packet: Packet, isInside: boolean): number {
    const scale = offeredScale(packet.frame.view, packet.transportAt);
    return openedState(isInside) | (scale << (isInside ? INSIDE_SCALE_SHIFT : OUTSIDE_SCALE_SHIFT));
  }

  /** Takes note of the SYN that opens a connection: a new one, or another between the same ends. */
  begin(session: number, packet: Packet, isInside: boolean): void {
    const sequence = packet.frame.view.getInt32(packet.transportAt + TCP_SEQUENCE_OFFSET);
    this.#flows.setAck(session, isInside ? WAN : LAN, (sequence + 1) | 0);
  }

  /**
   * A reset from outside must begin in the window that the inside host announced at most; when the outside has not spoken
   * before, it must answer the inside host's SYN (RFC 9293 section 3.10.7.3). Windows are not tracked: what the option
   * allows is the bound.
   */
  private isResetInWindow(
    session: number,
    state: number,
    flags: number,
    sequence: number,
    acknowledgement: number,
  ): boolean {
    if (state & SYN_OUTSIDE) return this.isInWindow(session, sequence);
    const advance = (acknowledgement - this.#flows.ack(session, WAN)) | 0;
    return (flags & TCP_ACK) !== 0 && advance >= 0 && advance <= UNSCALED_WINDOW;
  }

  /**
   * A FIN from outside counts only where a reset would: a forged one would take the connection off the fast path, and make
   * it look closed when the inside host ends its half. None ends what the outside has not begun. The inside host gets it
   * as it is, and judges for itself.
   */
  private believedFlags(session: number, state: number, packet: Packet, flags: number, isInside: boolean): number {
    if (isInside || (flags & TCP_FIN) === 0) return flags;
    if ((state & SYN_OUTSIDE) === 0) return flags & ~TCP_FIN;
    const { view } = packet.frame;
    const dataBytes = packet.payloadBytes - tcpHeaderBytes(view, packet.transportAt);
    const end = (tcpSequence(view, packet.transportAt) + dataBytes) | 0;
    return this.isInWindow(session, end) ? flags : flags & ~TCP_FIN;
  }

  /** Whether the inside host may still take this sequence number of the outside's. */
  private isInWindow(session: number, sequence: number): boolean {
    const offset = (sequence - this.#flows.ack(session, LAN)) | 0;
    return offset >= 0 && offset <= UNSCALED_WINDOW * 2 ** this.insideShift(session);
  }

  /** How far the inside host's windows are shifted: not at all unless both sides offered to (RFC 7323 section 2.2). */
  private insideShift(session: number): number {
    const inside = this.#sessions.windowScale(session, true);
    return inside === 0 || this.#sessions.windowScale(session, false) === 0 ? 0 : inside - 1;
  }
}

/** The shift of a SYN's window scale option plus 1; 0 when it has none. */
function offeredScale(view: DataView, tcpAt: number): number {
  const end = tcpAt + ((view.getUint8(tcpAt + 12) >> 2) & 60);
  let at = tcpAt + TCP_HEADER_BYTES;
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === OPTION_END) return 0;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 2 >= end) return 0;
    const length = view.getUint8(at + 1);
    if (length < 2) return 0;
    if (kind === OPTION_WINDOW_SCALE) return Math.min(view.getUint8(at + 2), MAX_SCALE) + 1;
    at += length;
  }
  return 0;
}
