/** What happens when a connection's time comes. */
import { NEVER } from "../../core/clock.js";
import { abandon, type Connection, enterClosed, KEEP_ALIVE_FAILED, TIMED_OUT } from "./connection.js";
import { sendAck, sendBlocked, sendKeepAlive, sendReset, sendSyn, transmit } from "./send.js";
import { CLOSE_WAIT, ESTABLISHED, FIN_WAIT_2, SYN_RECEIVED, SYN_SENT, TIME_WAIT } from "./state.js";

/** Carries out every timer that is due. May release the connection. */
export function runTimers(connection: Connection): void {
  const now = connection.endpoint.clock.now;
  if (connection.lingerAt <= now) {
    lingered(connection);
    return;
  }
  if (connection.retransmitAt <= now && !retransmit(connection, now)) return;
  if (connection.persistAt <= now && !persist(connection, now)) return;
  if (connection.keepAliveAt <= now && !keepAlive(connection, now)) return;
  if (connection.delayedAckAt <= now) sendAck(connection);
}

/** RFC 6298 section 5.4-5.7. False when the connection is given up. */
function retransmit(connection: Connection, now: number): boolean {
  connection.retransmitAt = NEVER;
  if (connection.state === SYN_SENT || connection.state === SYN_RECEIVED) {
    if (now - connection.openedAtMs >= connection.endpoint.settings.synGiveUpMs) return giveUp(connection);
    connection.timeouts++;
    connection.synWasLost = true;
    connection.roundTrip.cancel();
    connection.roundTrip.backOff();
    sendSyn(connection);
    return true;
  }
  if (now - connection.waitingSinceMs >= connection.giveUpMs) return giveUp(connection);
  const flightBytes = (connection.sndMax - connection.sndUna) | 0;
  connection.congestion.timedOut(connection.sndMax, flightBytes, connection.mssBytes, connection.timeouts > 0);
  connection.timeouts++;
  connection.roundTrip.cancel();
  connection.roundTrip.backOff();
  // Everything since sndUna counts as lost; the window of one segment lets only the oldest out now.
  connection.sndNxt = connection.sndUna;
  transmit(connection);
  return true;
}

/**
 * RFC 9293 section 3.8.6.1: probes a closed window for as long as the peer answers; but not when the application has gone,
 * or a peer that takes nothing could hold the place for ever.
 */
function persist(connection: Connection, now: number): boolean {
  const { settings } = connection.endpoint;
  const { waitingSinceMs, lastHeardMs, abandoned } = connection;
  if (now - (abandoned ? waitingSinceMs : Math.max(waitingSinceMs, lastHeardMs)) >= connection.giveUpMs) {
    return giveUp(connection);
  }
  sendBlocked(connection);
  if (connection.persistMs === 0) {
    connection.persistAt = NEVER;
    return true;
  }
  connection.persistMs = Math.min(connection.persistMs * 2, settings.maxRtoMs);
  connection.persistAt = now + connection.persistMs;
  return true;
}

/** RFC 9293 section 3.8.4. */
function keepAlive(connection: Connection, now: number): boolean {
  const { settings } = connection.endpoint;
  const state = connection.state;
  const isOpen = state === ESTABLISHED || state === CLOSE_WAIT || state === FIN_WAIT_2;
  const isIdle = connection.sndUna === connection.sndMax && connection.sendRing.length === 0;
  if (!isOpen || !isIdle) {
    // The other timers watch the peer now.
    connection.keepAliveAt = now + connection.keepAliveMs;
    return true;
  }
  if (connection.unansweredProbes >= settings.keepAliveProbes) {
    sendReset(connection);
    abandon(connection, KEEP_ALIVE_FAILED);
    return false;
  }
  connection.unansweredProbes++;
  sendKeepAlive(connection);
  connection.keepAliveAt = now + Math.min(settings.keepAliveRetryMs, connection.keepAliveMs);
  return true;
}

function lingered(connection: Connection): void {
  if (connection.state === TIME_WAIT) {
    enterClosed(connection);
    return;
  }
  sendReset(connection);
  abandon(connection, TIMED_OUT);
}

function giveUp(connection: Connection): boolean {
  if (connection.state !== SYN_SENT) sendReset(connection);
  abandon(connection, connection.softError === undefined ? TIMED_OUT : `${TIMED_OUT}: ${connection.softError}`);
  return false;
}
