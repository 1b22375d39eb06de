/** How much of everything there is. Every table is allocated once at this size and never grows. */
export interface Capacity {
  /** TCP connections and bound UDP sockets of the stack itself, together. */
  readonly sockets: number;
  /** Listening TCP ports. */
  readonly listeners: number;
  /** Each TCP connection's receive buffer, in bytes; also the largest window it announces. A power of two, at most 65,536. */
  readonly tcpReceiveBytes: number;
  /** Each TCP connection's send buffer, in bytes; a power of two. */
  readonly tcpSendBytes: number;
  /** Each UDP socket's receive queue, in bytes. */
  readonly udpReceiveBytes: number;
  /** Next hops whose station addresses are remembered. */
  readonly neighbours: number;
  /** Frames that may wait for ARP, at most one for each neighbour. */
  readonly pendingFrames: number;
  /** Datagrams for us that can be put together from fragments at a time. */
  readonly reassemblies: number;
  /** The largest IPv4 datagram that is put together from fragments, headers included, in bytes: 576..65,535. */
  readonly datagramBytes: number;
  /** Datagrams whose fragments can be on their way through the gateway at a time; 40 bytes each. */
  readonly fragmentedDatagrams: number;
  /** Fragments that can wait for the first one of their datagram; 1,520 bytes each. */
  readonly heldFragments: number;
  /** The largest IPv4 datagram that the stack itself sends, headers included, in bytes: 576..65,535. */
  readonly sentDatagramBytes: number;
  /** Inside endpoints with an external port; 1..4,096: what 13 bits link. */
  readonly mappings: number;
  /** Conversations through the NAT; 1..32,767. */
  readonly sessions: number;
  /** Port forwards. */
  readonly forwards: number;
  /** Firewall rules; and as many stations in the MAC lists. */
  readonly rules: number;
}

/** What an ESP32 without extra RAM carries; docs/architecture.md has the sum. */
export const DEFAULT_CAPACITY: Capacity = Object.freeze({
  sockets: 16,
  listeners: 8,
  tcpReceiveBytes: 4096,
  tcpSendBytes: 4096,
  udpReceiveBytes: 2048,
  neighbours: 32,
  pendingFrames: 4,
  reassemblies: 1,
  // Twice the MTU and more: what a socket's queue takes, and a ping of 3,000 bytes.
  datagramBytes: 3072,
  fragmentedDatagrams: 12,
  // What comes before the first fragment where 4,096 bytes come in reverse order.
  heldFragments: 2,
  sentDatagramBytes: 1500,
  mappings: 512,
  sessions: 1024,
  forwards: 32,
  rules: 32,
});

/** For a board with PSRAM, and for a desktop; `npm run bench:xs` prints what it takes. */
export const LARGE_CAPACITY: Capacity = Object.freeze({
  ...DEFAULT_CAPACITY,
  sockets: 32,
  listeners: 16,
  neighbours: 64,
  pendingFrames: 16,
  reassemblies: 4,
  datagramBytes: 4352,
  fragmentedDatagrams: 48,
  heldFragments: 8,
  sentDatagramBytes: 4352,
  mappings: 2048,
  sessions: 4096,
  forwards: 64,
  rules: 64,
});
