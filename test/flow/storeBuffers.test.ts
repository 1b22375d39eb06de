/**
 * The protocol between the table's writer and its readers on a machine whose processors put their stores into a buffer
 * before memory has them, as x86 does (x86-TSO, Sewell et al., 2010), in all orders there are. No test that runs the code
 * notices a fence that is missing: the moment between a store and the buffer's end is too short.
 */
import { expect, it } from "vitest";

/** One withdrawal, and one record that is written anew after it. */
const PERIOD = 0;
const READERS = 1;
const LINK = 3;
const RECORD = 4;
const MEMORY = [1, 0, 0, 1, 1];
const WITHDRAWN = 0;
const STRANGER = 3;

type Step =
  | { readonly kind: "store"; readonly at: number; readonly value: number | "register" }
  /** `leave`: where to go on if this value says that there is nothing (more) to do. */
  | { readonly kind: "load"; readonly at: number; readonly leave?: (value: number) => number | undefined }
  /** Waits until the processor's buffer is empty. */
  | { readonly kind: "fence" };

/** What compilers make of a sequentially consistent access: x86 has a fence behind stores, RISC-V before loads. */
type Fences = "behind stores" | "before loads";

interface Slips {
  readonly entry?: boolean;
  readonly secondLook?: boolean;
  readonly withdrawal?: boolean;
  readonly writersLook?: boolean;
}

const store = (at: number, value: number | "register"): Step => ({ kind: "store", at, value });
const load = (at: number, leave?: (value: number) => number | undefined): Step =>
  leave === undefined ? { kind: "load", at } : { kind: "load", at, leave };

/** Sequentially consistent, unless it is a slip. */
const orderedStore = (at: number, value: number | "register", fences: Fences, isSlip = false): Step[] =>
  fences === "behind stores" && !isSlip ? [store(at, value), { kind: "fence" }] : [store(at, value)];
const orderedLoad = (step: Step, fences: Fences, isSlip = false): Step[] =>
  fences === "before loads" && !isSlip ? [{ kind: "fence" }, step] : [step];

/** As `read` in cache.c: the value loaded last is in the register. */
function reader(number: number, fences: Fences, slips: Slips): Step[] {
  const entry = [load(PERIOD), ...orderedStore(READERS + number, "register", fences, slips.entry)];
  const secondLook = slips.secondLook === true ? [] : orderedLoad(load(PERIOD), fences);
  const exit = store(READERS + number, 0);
  const exitAt = entry.length + secondLook.length + 2;
  const look = load(LINK, (value) => (value === WITHDRAWN ? exitAt : undefined));
  return [...entry, ...secondLook, look, load(RECORD), exit];
}

/** As `FlowTable.remove` and `insert`. */
function writer(fences: Fences, slips: Slips): Step[] {
  const isSeenInside = (value: number) => (value === 1 ? Number.POSITIVE_INFINITY : undefined);
  return [
    ...orderedStore(LINK, WITHDRAWN, fences, slips.withdrawal),
    ...orderedStore(PERIOD, 2, fences, slips.withdrawal),
    ...[0, 1].flatMap((number) => orderedLoad(load(READERS + number, isSeenInside), fences, slips.writersLook)),
    store(RECORD, STRANGER),
  ];
}

interface Thread {
  readonly next: number;
  readonly register: number;
  /** Places and values, the oldest first. */
  readonly buffer: readonly (readonly [at: number, value: number])[];
}

interface State {
  readonly memory: readonly number[];
  readonly threads: readonly Thread[];
}

/** What can happen next in one thread: its oldest store reaches memory, or it takes a step. */
function successors(state: State, index: number, program: readonly Step[]): State[] {
  const thread = state.threads[index] as Thread;
  const { next, register, buffer } = thread;
  const changed = (changes: Partial<Thread>, memory = state.memory): State => ({
    memory,
    threads: state.threads.map((one, at) => (at === index ? { ...thread, ...changes } : one)),
  });
  const found: State[] = [];
  const [oldest, ...younger] = buffer;
  if (oldest !== undefined) {
    const memory = state.memory.map((value, at) => (at === oldest[0] ? oldest[1] : value));
    found.push(changed({ buffer: younger }, memory));
  }
  const step = program[next];
  if (step?.kind === "fence" && oldest === undefined) found.push(changed({ next: next + 1 }));
  if (step?.kind === "store") {
    const value = step.value === "register" ? register : step.value;
    found.push(changed({ next: next + 1, buffer: [...buffer, [step.at, value]] }));
  }
  if (step?.kind === "load") {
    const own = buffer.findLast(([at]) => at === step.at);
    const value = own?.[1] ?? (state.memory[step.at] as number);
    found.push(changed({ next: step.leave?.(value) ?? next + 1, register: value }));
  }
  return found;
}

/** Whether a reader can find a stranger in the record that it was led to; and how many states there are. */
function explore(fences: Fences, slips: Slips): { isFaulty: boolean; states: number } {
  const programs = [writer(fences, slips), reader(0, fences, slips), reader(1, fences, slips)];
  const open: State[] = [{ memory: MEMORY, threads: programs.map(() => ({ next: 0, register: 0, buffer: [] })) }];
  const seen = new Set<string>();
  let isFaulty = false;
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const key = JSON.stringify(state);
    if (seen.has(key)) continue;
    seen.add(key);
    // At its exit it has loaded the record last, or nothing led to one.
    if (state.threads.some(({ register }, index) => index > 0 && register === STRANGER && isAtExit(state, index))) {
      isFaulty = true;
    }
    for (const [index, program] of programs.entries()) open.push(...successors(state, index, program));
  }
  return { isFaulty, states: seen.size };

  function isAtExit({ threads }: State, index: number): boolean {
    return (threads[index] as Thread).next === (programs[index] as Step[]).length - 1;
  }
}

it.each(["behind stores", "before loads"] as const)("with fences %s, no reader meets a stranger", (fences) => {
  const { isFaulty, states } = explore(fences, {});
  expect(isFaulty).toBe(false);
  expect(states).toBeGreaterThan(1000);
});

it.each([
  ["behind stores", "a reader whose entry is not ordered", { entry: true }],
  ["behind stores", "a writer whose stores are not ordered", { withdrawal: true }],
  ["before loads", "a reader that does not look at the period again", { secondLook: true }],
  ["before loads", "a writer whose looks at readers are not ordered", { writersLook: true }],
] as const)("with fences %s, it would not get away with %s", (fences, _, slips) => {
  expect(explore(fences, slips).isFaulty).toBe(true);
});
