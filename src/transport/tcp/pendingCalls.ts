/**
 * The sockets whose handlers are to be called. Calls are collected while a segment or timer is worked on, and made when the
 * connection is in order again: a handler may then do what it likes.
 */
import type { TcpSocket } from "./socket.js";

export class PendingCalls {
  #first: TcpSocket | undefined;
  #last: TcpSocket | undefined;
  #isDelivering = false;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  add(socket: TcpSocket): void {
    if (socket.isPending) return;
    socket.isPending = true;
    if (this.#last === undefined) this.#first = socket;
    else this.#last.nextPending = socket;
    this.#last = socket;
  }

  /**
   * Makes all calls; those that the calls themselves bring about follow in the same loop. An Error that a handler throws
   * goes to the caller, and leaves the remaining calls for the next time.
   */
  deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      while (this.#first !== undefined) {
        const socket = this.#first;
        if (socket.hasCalls) socket.deliver();
        else this.remove(socket);
      }
    } finally {
      this.#isDelivering = false;
    }
  }

  private remove(first: TcpSocket): void {
    this.#first = first.nextPending;
    if (this.#first === undefined) this.#last = undefined;
    first.nextPending = undefined;
    first.isPending = false;
  }
}
