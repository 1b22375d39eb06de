/** The endpoint's times and limits; the defaults are what the RFCs ask of every host. */
export interface TcpSettings {
  /** RFC 9293 section 3.4.2: how long a segment can live in the network; TIME-WAIT lasts twice as long. */
  readonly maxSegmentLifetimeMs: number;
  /** RFC 9293 section 3.8.3, R2: unacknowledged data for this long ends a connection; at least 100 s. */
  readonly giveUpMs: number;
  /** RFC 9293 MUST-23: the same for a SYN; at least 180 s. */
  readonly synGiveUpMs: number;
  /**
   * How long an acknowledgement may wait for data to travel with. RFC 9293 MUST-40 allows 500 ms; 40 ms is the least that
   * Linux and FreeBSD wait, and stays clear of a Linux peer's shortest retransmission timeout, 200 ms.
   */
  readonly delayedAckMs: number;
  /** RFC 6298 section 2.4. */
  readonly minRtoMs: number;
  /** RFC 6298 section 2.5: at least 60 s. */
  readonly maxRtoMs: number;
  /** RFC 6298 section 2.1, before there is a measurement. */
  readonly initialRtoMs: number;
  /** How long a connection that the application has closed waits for the peer's FIN: 60 s, as in Linux; no RFC says. */
  readonly finWaitMs: number;
  /** Between keep-alive probes that get no answer: 75 s, as in BSD. */
  readonly keepAliveRetryMs: number;
  /** Unanswered keep-alive probes that end a connection. */
  readonly keepAliveProbes: number;
  /** RFC 5961 section 7's example: so many challenge ACKs in so long a time. */
  readonly challengeAcks: number;
  readonly challengePeriodMs: number;
}

export const DEFAULT_TCP_SETTINGS: TcpSettings = Object.freeze({
  maxSegmentLifetimeMs: 120_000,
  giveUpMs: 100_000,
  synGiveUpMs: 180_000,
  delayedAckMs: 40,
  minRtoMs: 1_000,
  maxRtoMs: 60_000,
  initialRtoMs: 1_000,
  finWaitMs: 60_000,
  keepAliveRetryMs: 75_000,
  keepAliveProbes: 9,
  challengeAcks: 10,
  challengePeriodMs: 5_000,
});
