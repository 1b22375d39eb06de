import type { Entry } from "./packetCase.js";
import { LITTER_SLOTS, XsWorker } from "./xsWorker.js";

/** What one packet costs on XS. */
export interface PacketCost {
  /** Byte codes per packet. */
  readonly computrons: number;
  /** Slots allocated per packet. */
  readonly slots: number;
}

/** All that a case costs per packet. */
export interface CaseCost extends PacketCost {
  /** Whether bytes (strings, buffers) are allocated. */
  readonly chunks: boolean;
}

/** A run that allocates more slots than this may have met a garbage collection, which makes its count worthless. */
const MAX_RUN_SLOTS = 150_000;

/** Bytes `allocatesChunks` leaves free: the commands around the packets need 2 to 4 KB of them. */
const FREE_CHUNK_BYTES = 8000;

/** Measures the case `name` of the entry `file` in an engine of its own. */
export async function measureCase(file: string, name: string): Promise<CaseCost> {
  const worker = await XsWorker.start(file);
  try {
    const { value: cases } = await worker.call<ReturnType<Entry["listCases"]>>("listCases");
    const packets = cases.find((candidate) => candidate.name === name)?.packets;
    if (packets === undefined) throw new Error(`${file} has no case "${name}".`);
    const cost = await measurePacket(worker, name, packets);
    return { ...cost, chunks: await allocatesChunks(worker, name, packets) };
  } finally {
    await worker.close();
  }
}

/**
 * Measures the case `name` of the worker's module.
 *
 * Each figure is the difference of a run of all packets and a run of half of them, so everything a run costs once
 * (the command, its reply, the first use of a property) cancels out; the loop that feeds the packets is subtracted.
 */
export async function measurePacket(worker: XsWorker, name: string, packets: number): Promise<PacketCost> {
  const half = packets / 2;
  const loopHalf = await measureRun(worker, name, half, false);
  const loopAll = await measureRun(worker, name, packets, false);
  const runHalf = await measureRun(worker, name, half, true);
  const runAll = await measureRun(worker, name, packets, true);
  return {
    computrons: (runAll.computrons - runHalf.computrons - (loopAll.computrons - loopHalf.computrons)) / half,
    slots: (runAll.slots - runHalf.slots - (loopAll.slots - loopHalf.slots)) / half,
  };
}

async function measureRun(worker: XsWorker, name: string, count: number, receiving: boolean): Promise<PacketCost> {
  await worker.call("prepare", name);
  const before = await worker.litter();
  const { value: done, meters } = await worker.call<number>("run", count, receiving);
  if (receiving && done !== count) throw new Error(`${name}: ${done} of ${count} packets went the case's way.`);
  const slots = meters.slots - before.slots;
  if (slots < 0 || slots > MAX_RUN_SLOTS) throw new Error(`${name}: garbage was collected while it was counted.`);
  return { computrons: meters.computrons, slots };
}

/**
 * Whether the packets of the case `name` allocate bytes (strings, buffers), which shows as a garbage collection in a
 * heap with no room left. Sees one smallest chunk (32 bytes) per packet from 400 packets on. Wants a fresh worker, for
 * it fills the heap.
 */
export async function allocatesChunks(worker: XsWorker, name: string, packets: number): Promise<boolean> {
  await worker.call("prepare", name);
  await worker.exhaustChunks(FREE_CHUNK_BYTES);
  const before = await worker.litter();
  const { meters } = await worker.call("run", packets, true);
  return meters.slots < before.slots - LITTER_SLOTS / 2;
}
