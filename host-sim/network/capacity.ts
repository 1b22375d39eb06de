import type { Capacity } from "../../src/core/capacity.js";

/** What a desktop or server computer carries. It has no NAT. */
export const DESKTOP_CAPACITY: Capacity = Object.freeze({
  sockets: 512,
  listeners: 16,
  tcpReceiveBytes: 65_536,
  tcpSendBytes: 65_536,
  udpReceiveBytes: 65_536,
  neighbours: 256,
  pendingFrames: 32,
  reassemblies: 16,
  datagramBytes: 65_535,
  fragmentedDatagrams: 0,
  heldFragments: 0,
  sentDatagramBytes: 65_535,
  mappings: 0,
  sessions: 0,
  forwards: 0,
  rules: 0,
});
