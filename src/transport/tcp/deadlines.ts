/** The connections that wait for a time, in a binary heap: the next one is known at once, however many there are. */
import { NEVER } from "../../core/clock.js";

export interface Timed {
  /** Absolute ms; `Deadlines.set` alone writes it. */
  deadline: number;
  /** The heap's own: the position in it, -1 outside. */
  heapIndex: number;
}

export class Deadlines<T extends Timed> {
  readonly #heap: T[] = [];

  /** The earliest deadline; `NEVER` when nobody waits. */
  get next(): number {
    return this.#heap[0]?.deadline ?? NEVER;
  }

  /** Who has the earliest deadline. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  /** Gives `entry` another deadline; `NEVER` takes it out. */
  set(entry: T, deadline: number): void {
    if (deadline === NEVER) {
      this.remove(entry);
      return;
    }
    const before = entry.deadline;
    entry.deadline = deadline;
    if (entry.heapIndex < 0) {
      entry.heapIndex = this.#heap.length;
      this.#heap.push(entry);
      this.rise(entry);
    } else if (deadline < before) {
      this.rise(entry);
    } else if (deadline > before) {
      this.sink(entry);
    }
  }

  private remove(entry: T): void {
    const index = entry.heapIndex;
    entry.deadline = NEVER;
    if (index < 0) return;
    entry.heapIndex = -1;
    const last = this.#heap.pop() as T;
    if (last === entry) return;
    last.heapIndex = index;
    this.#heap[index] = last;
    this.rise(last);
    this.sink(last);
  }

  private rise(entry: T): void {
    let index = entry.heapIndex;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent] as T;
      if (above.deadline <= entry.deadline) break;
      this.put(above, index);
      index = parent;
    }
    this.put(entry, index);
  }

  private sink(entry: T): void {
    let index = entry.heapIndex;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && this.#deadline(child + 1) < this.#deadline(child)) child++;
      if (this.#deadline(child) >= entry.deadline) break;
      this.put(this.#heap[child] as T, index);
      index = child;
    }
    this.put(entry, index);
  }

  #deadline(index: number): number {
    return (this.#heap[index] as T).deadline;
  }

  private put(entry: T, index: number): void {
    this.#heap[index] = entry;
    entry.heapIndex = index;
  }
}
