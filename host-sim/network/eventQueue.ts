/** What is going to happen, in order: a binary heap. */
export interface NetworkEvent {
  /** Virtual time, in ms. */
  readonly atMs: number;
  /** Tells apart events of one instant: the one scheduled first happens first. */
  readonly order: number;
  /** Who caused it, for the message about a network that never rests. */
  readonly cause: string;
  run(): void;
}

export class EventQueue {
  readonly #heap: NetworkEvent[] = [];
  #scheduled = 0;

  get size(): number {
    return this.#heap.length;
  }

  get next(): NetworkEvent | undefined {
    return this.#heap[0];
  }

  schedule(atMs: number, cause: string, run: () => void): void {
    const event = { atMs, order: this.#scheduled++, cause, run };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes the next event out. */
  take(): NetworkEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: NetworkEvent, b: NetworkEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
