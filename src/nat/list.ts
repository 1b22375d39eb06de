/**
 * Sessions stand in lists: one for each timer class, and for what of it is worth less than the rest. Numbers for the packet
 * path, as in wire/inlined.ts.
 */
// biome-ignore lint/suspicious/noConstEnum: as captured variables these cost XS 400 instructions for a session.
export const enum List {
  // Timer classes.
  UDP = 0,
  ICMP = 1,
  /** As a class, those that open or close; as a list, those that open. */
  TCP_TRANSITORY = 2,
  TCP_ESTABLISHED = 3,
  /** Datagrams of a host that held its fair share already; see TCP_CLOSING, too. */
  EXCESS = 4,
  /** Connections that are over as far as we know, whoever holds them: their host's share does not matter. */
  TCP_CLOSING = TCP_TRANSITORY | EXCESS,
  /** Datagrams that nobody has answered; a TCP call from outside whose caller has not shown to be genuine. */
  UNPROVEN = 8,
  /** Unproven calls are in one list, whoever pays for them, and even when they are refused: no forger gets them out of it. */
  CALLS = TCP_TRANSITORY | UNPROVEN,
  /** Above all of them: not every number is a list. */
  END = 13,
}

export type TimerClass = List.UDP | List.ICMP | List.TCP_TRANSITORY | List.TCP_ESTABLISHED;
