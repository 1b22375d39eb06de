/** What the endpoint, a connection and a listener are made with. */
import type { Capacity } from "../../core/capacity.js";
import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { PortSpace } from "../portSpace.js";
import type { SocketTable } from "../socketTable.js";
import type { DatagramOutput } from "../transport.js";
import type { OnConnection } from "./listener.js";
import type { TcpSettings } from "./settings.js";
import type { TcpHandler } from "./socket.js";

export interface TcpOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly output: DatagramOutput;
  readonly ports: PortSpace;
  readonly capacity: Capacity;
  readonly table: SocketTable;
  readonly settings?: Partial<TcpSettings>;
  /** Names a port's owner for the messages of refused claims, e.g. "the port forward tcp 25565". */
  readonly describeOwner?: (protocol: number, port: number) => string;
}

export interface ConnectOptions {
  readonly address: number;
  /** 1..65535 */
  readonly port: number;
  /** Without one, an ephemeral port. */
  readonly localPort?: number;
  /** Sends small segments at once instead of gathering them (RFC 9293 section 3.7.4). */
  readonly noDelay?: boolean;
  /** Idle ms after which the peer is probed; 0 or nothing for never. */
  readonly keepAliveMs?: number;
  readonly handler?: TcpHandler;
}

export interface ListenOptions {
  /** 1..65535 */
  readonly port: number;
  /** One of our addresses; without one, all of them. */
  readonly address?: number;
  /** Half-open connections at a time; when there are more, the oldest makes way. */
  readonly backlog?: number;
  readonly onConnection: OnConnection;
}
