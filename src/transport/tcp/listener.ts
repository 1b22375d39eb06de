/** A TCP port on which the stack accepts connections. */
import { PROTOCOL_TCP } from "../../wire/ipv4.js";
import type { SocketEntry } from "../socketTable.js";
import type { PassiveOrigin } from "./connection.js";
import type { TcpSocket } from "./socket.js";
import { LISTEN, STATE_NAMES } from "./state.js";

/** Called once for each established connection; sets the socket's `handler`. */
export type OnConnection = (socket: TcpSocket) => void;

export class TcpListener implements SocketEntry, PassiveOrigin {
  readonly protocol = PROTOCOL_TCP;
  /** One of our addresses, or 0 for all of them. */
  readonly localAddress: number;
  readonly localPort: number;
  readonly remoteAddress = 0;
  readonly remotePort = 0;
  /** Half-open connections at a time; another SYN takes the place of the oldest. */
  readonly backlog: number;
  readonly onConnection: OnConnection;
  halfOpen = 0;
  /** SYNs that took the place of an older half-open connection. */
  replaced = 0;
  place = -1;
  nextInChain: SocketEntry | undefined;
  readonly #close: (listener: TcpListener) => void;

  constructor(
    address: number,
    port: number,
    backlog: number,
    onConnection: OnConnection,
    close: (listener: TcpListener) => void,
  ) {
    this.localAddress = address;
    this.localPort = port;
    this.backlog = backlog;
    this.onConnection = onConnection;
    this.#close = close;
  }

  get stateName(): string {
    return STATE_NAMES[LISTEN];
  }

  get receiveQueueBytes(): number {
    return 0;
  }

  get sendQueueBytes(): number {
    return 0;
  }

  /** Accepts no more connections and drops the half-open ones; established ones go on. */
  close(): void {
    this.#close(this);
  }
}
