/** What one packet of a case (packetCase.ts) costs on XS. */
import type { Variant } from "./build.js";
import { measure, type Region, type RegionCost } from "./xsHost.js";

/** Per packet. */
export interface PacketPrice {
  /** Undefined without valgrind. */
  readonly instructions: number | undefined;
  readonly slots: number;
  readonly chunkBytes: number;
}

/** Counts are exact, so a few packets tell as much as many; more would only take longer. */
const MAX_PACKETS = 400;

/**
 * Prices the case `name` of the entry `file`, in an engine of its own.
 *
 * Each figure is the difference of a run of all packets and a run of half of them, so everything a run costs once cancels
 * out; the loop that feeds the packets is subtracted.
 *
 * @param packets How many packets the case has room for.
 */
export async function pricePacket(
  file: string,
  { name, packets }: { readonly name: string; readonly packets: number },
  variant: Variant,
): Promise<PacketPrice> {
  const all = Math.min(packets, MAX_PACKETS);
  const half = all / 2;
  const regionOf = (count: number, receiving: boolean): Region => ({
    before: ["prepare", name],
    run: ["run", count, receiving],
  });
  const regions = [regionOf(half, false), regionOf(all, false), regionOf(half, true), regionOf(all, true)];
  const { costs } = await measure(file, regions, variant);
  const [loopHalf, loopAll, runHalf, runAll] = costs as [RegionCost, RegionCost, RegionCost, RegionCost];
  if (runHalf.value !== half || runAll.value !== all) {
    throw new Error(`${name}: ${runAll.value} of ${all} packets went the case's way.`);
  }
  const perPacket = (figure: (cost: RegionCost) => number): number =>
    (figure(runAll) - figure(runHalf) - (figure(loopAll) - figure(loopHalf))) / half;
  const isCounted = runAll.instructions !== undefined;
  return {
    instructions: isCounted ? perPacket((cost) => cost.instructions as number) : undefined,
    slots: perPacket((cost) => cost.slots),
    chunkBytes: perPacket((cost) => cost.chunkBytes),
  };
}
