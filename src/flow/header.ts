/**
 * The header's values once more, as properties: on XS these cost a quarter of an element of a typed array. The flow cache
 * in TypeScript reads them here, the one in C in the header.
 */
export class FlowHeader {
  tick = 0;
  externalWord = 0;
  /** The sum of its halves. */
  externalSum = 0;
  udpLifetimeS = 0;
  tcpLifetimeS = 0;
  /** Words 0 (its upper half) and 1 of a frame sent to our station on the LAN and on the WAN. */
  lanMacHead = 0;
  lanMacTail = 0;
  wanMacHead = 0;
  wanMacTail = 0;
  lanMtuBytes = 0;
  wanMtuBytes = 0;
}
